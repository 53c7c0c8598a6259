import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ConsumeOptions, Delivery, TaskBroker } from '../src/broker.js'
import { type TaskBrokerFixture, taskBrokerChecks } from '../src/conformance/index.js'
import { type MemoryBroker, memoryBroker } from '../src/index.js'
import type { TaskMessage } from '../src/message.js'
import type { Outcome } from '../src/outcome.js'

/** Breaks a broker: gives the methods that differ from those of the sound one. */
type Break = (broker: MemoryBroker) => Partial<TaskBroker>

function broken(change: Break): TaskBrokerFixture {
  const place = memoryBroker()
  const sound = new Map<TaskBroker, MemoryBroker>()
  return {
    broker: () => {
      const broker = place.fork()
      const changes = change(broker)
      const mixed = new Proxy(broker, {
        get: (target, name) => {
          const from = name in changes ? changes : target
          const value: unknown = Reflect.get(from, name)
          return typeof value === 'function' ? value.bind(from) : value
        },
      })
      sound.set(mixed, broker)
      return mixed
    },
    crash: async (broker) => sound.get(broker)?.crash(),
    plant: async () => {}, // lost without a trace
  }
}

/** Changes how its consumers work. */
const consuming =
  (change: (options: ConsumeOptions) => Partial<ConsumeOptions>): Break =>
  (broker) => ({ consume: (options) => broker.consume({ ...options, ...change(options) }) })

/** Changes what its consumers are handed. */
const delivering = (change: (delivery: Delivery) => Partial<Delivery>): Break =>
  consuming(({ handle }) => ({ handle: (delivery) => handle({ ...delivery, ...change(delivery) }) }))

/** Changes what becomes of a delivery. */
const settling = (change: (outcome: Outcome, delivery: Delivery) => Outcome | Promise<Outcome>): Break =>
  consuming(({ handle }) => ({ handle: async (delivery) => change(await handle(delivery), delivery) }))

/** Changes messages on their way in. */
const storing =
  (change: (message: TaskMessage) => Partial<TaskMessage>): Break =>
  (broker) => ({
    enqueue: (messages) =>
      broker.enqueue(messages.map((message) => dropAbsent({ ...message, ...change(message) })) as TaskMessage[], {}),
  })

function dropAbsent(message: TaskMessage): object {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined))
}

const forgetting = (...fields: readonly (keyof TaskMessage)[]): Break =>
  storing(() => Object.fromEntries(fields.map((field) => [field, undefined])))

const withoutKeys = (...keys: readonly ('idempotency' | 'unique' | 'debounce')[]): Break =>
  storing(({ dedupe }) =>
    dedupe === undefined
      ? {}
      : { dedupe: Object.fromEntries(Object.entries(dedupe).filter(([key]) => !keys.includes(key as 'unique'))) },
  )

const twice: Break = consuming(({ handle }) => ({
  handle: async (delivery) => {
    await handle(delivery)
    return handle(delivery)
  },
}))

const never = (): Promise<never> => new Promise(() => {})
const failure = { name: 'Error', message: 'invented' }
let copies = 0

/** For each check, by its name, what a broker does that breaks exactly this promise; see that the check notices. */
const sabotage: Readonly<Record<string, Break>> = {
  'a task runs once and its result reaches whoever enqueued it': twice,
  // Each process has a place of its own.
  'what one process enqueues another runs, and a third reads the result by its id': () => memoryBroker(),
  'an input comes as JSON brings it, and a result goes as JSON takes it': delivering(({ message }) => ({
    message: { ...message, input: message.input ?? undefined },
  })),
  'a delayed task does not start before its time, and soon after it': forgetting('dueAt'),
  'tasks start first in, first out': consuming(({ handle }) => ({
    handle: async (delivery) =>
      delivery.message.input === 0 && copies++ === 0 ? { kind: 'later', delayMs: 20 } : handle(delivery),
  })),
  'a worker runs as many tasks at once as its concurrency allows, and no more': consuming(({ concurrency }) => ({
    concurrency: concurrency + 1,
  })),
  'a batch answers for each of its tasks, in order': (broker) => ({
    enqueue: async (messages) => (await broker.enqueue(messages, {})).toReversed(),
  }),
  'the low lane goes on while the high lane is never empty, and high gets the larger share': consuming(() => ({
    weights: { high: 1, normal: 1, low: 1 },
  })),
  'progress is seen from another process while the task runs': delivering(() => ({ progress: async () => {} })),
  'whoever waits for a result is told soon, and only as long as it wants to wait': (broker) => ({
    settled: async (ref) => (await broker.settled(ref, new AbortController().signal)) ?? never(),
  }),
  'a result of a task that never was is unavailable, at once': (broker) => ({
    settled: async (ref, signal) => (await broker.settled(ref, signal)) ?? { status: 'completed', result: undefined },
  }),
  'a task enqueued by a task carries the line it comes from': forgetting('parent', 'root'),

  'a failed task is tried again after its backoff, its attempts counted, until it succeeds': settling((outcome) =>
    outcome.kind === 'retry' ? { ...outcome, delayMs: 0 } : outcome,
  ),
  'tasks that come again at once, after a failure or a nap, run every attempt, and each once': settling((outcome) =>
    outcome.kind === 'retry' && outcome.delayMs === 0 ? never() : outcome,
  ),
  'a task whose every attempt fails is dead with its reason, its failure and its input': (broker) => ({
    deadLetters: async (query) =>
      (await broker.deadLetters(query, {})).map((letter) => ({ ...letter, input: undefined })),
  }),
  'a failure that another attempt cannot mend makes the task dead at once': settling((outcome, { attempt }) =>
    outcome.kind === 'dead' && attempt === 1 ? { kind: 'retry', delayMs: 0, failure } : outcome,
  ),
  'a handler may name the wait before its next attempt': settling((outcome) =>
    outcome.kind === 'retry' ? { ...outcome, delayMs: 200 } : outcome,
  ),
  'what a handler throws or answers never sticks: undefined, a text, an object, a BigInt': settling((outcome) =>
    outcome.kind === 'dead' && outcome.failure.name === 'NonError' ? never() : outcome,
  ),
  'an attempt that runs out of time is aborted and counts; a handler that ignores that holds nobody up': settling(
    (outcome) => (outcome.kind === 'dead' ? { ...outcome, reason: 'attempts' } : outcome),
  ),
  'an input that a worker finds invalid makes the task dead without an attempt': settling((outcome, { attempt }) =>
    outcome.kind === 'dead' && attempt === 1 ? { kind: 'retry', delayMs: 0, failure } : outcome,
  ),
  'a snoozed task comes again after its nap without an attempt spent': settling((outcome) =>
    outcome.kind === 'later' ? { ...outcome, kind: 'retry', failure } : outcome,
  ),
  'what a task did once is not done again by its next attempt': delivering(() => ({ recall: async () => undefined })),
  'a task that was not started before it expired is dead without a run': forgetting('expiresAt'),
  'a task that a worker does not know, or only in an older version, waits for one that does': settling((outcome) =>
    outcome.kind === 'later' ? { kind: 'dead', reason: 'unknown-task', failure } : outcome,
  ),
  'a task that nobody knows within the grace is dead as unknown': settling((outcome) =>
    outcome.kind === 'later' ? { kind: 'later', delayMs: outcome.delayMs } : outcome,
  ),
  'an input of an older version is brought up to the newer one': delivering(({ message }) => ({
    message: { ...message, version: message.version + 1 },
  })),
  'dead letters are listed by what they are, replayed under their id with fresh attempts, and discarded': () => ({
    replay: async () => true,
  }),
  'a replay of what has this moment died is no copy of it: it runs, time and again': () => ({
    replay: async () => true,
  }),
  'what expired runs when it is replayed, and whoever waits is told of that run': (broker) => ({
    replay: (ref) => broker.discard(ref, {}),
  }),
  'an input that cannot be stored is refused where it is enqueued, and its neighbours are not': (broker) => ({
    enqueue: async (messages) => {
      const answers = await broker.enqueue(messages, {})
      return answers.map((answer) => answers.find(({ status }) => status === 'refused') ?? answer)
    },
  }),

  'headers that are too large are refused where they are given, smaller ones travel with the task':
    forgetting('headers'),
  'a result that is too large to be stored makes its task dead, and nobody else waits for it': settling((outcome) =>
    outcome.kind === 'dead' ? { kind: 'completed', result: undefined } : outcome,
  ),
  'what is no task, or no JSON, where tasks wait becomes a dead letter, and its neighbours run': () => ({}),

  'two hundred concurrent enqueues with one idempotency key, from two processes, run once': withoutKeys('idempotency'),
  'an idempotency key holds after its task has finished, until its window is over': storing(({ dedupe }) =>
    dedupe?.idempotency === undefined
      ? {}
      : { dedupe: { ...dedupe, idempotency: { ...dedupe.idempotency, windowMs: 0 } } },
  ),
  'a request that is sent again under its id and its idempotency key runs once, also when its task left nothing':
    storing(({ dedupe }) => (dedupe?.id === undefined ? {} : { dedupe: { id: true } })),
  'a unique key admits one task at a time, while it waits and while it runs': storing(({ dedupe }) =>
    dedupe?.unique === undefined ? {} : { dedupe: { ...dedupe, unique: { ...dedupe.unique, while: 'pending' } } },
  ),
  'a unique key of what is pending lets go when the task starts': storing(({ dedupe }) =>
    dedupe?.unique === undefined ? {} : { dedupe: { ...dedupe, unique: { ...dedupe.unique, while: 'active' } } },
  ),
  'a unique key lets go when its task is dead or cancelled': () => ({ cancel: async () => 'cancelled' }),
  'an idempotency key and a unique key hold together': storing(({ dedupe }) =>
    dedupe?.idempotency === undefined ? {} : { dedupe: { idempotency: dedupe.idempotency } },
  ),
  'of several debounced enqueues only the last runs, its wait after it came': withoutKeys('debounce'),
  'one id enqueued by several processes at the same moment is one task': storing(({ id }) => ({
    id: `${id}-${copies++}`,
  })),
  'the same id enqueued again is not a second task, waiting or ended': storing(({ id }) => ({
    id: `${id}-${copies++}`,
  })),

  'a waiting or delayed task that is cancelled from another process never runs': () => ({
    cancel: async () => 'cancelled',
  }),
  'a running task that is cancelled from another process is told so, and ends as cancelled': consuming(() => ({
    interrupt: () => {},
  })),
  'cancelling what has ended, or never was, says so': (broker) => ({
    cancel: async (ref, reason) => {
      const answer = await broker.cancel(ref, reason, {})
      return answer === 'finished' ? 'cancelled' : answer
    },
  }),
  'a paused queue starts nothing on any worker until it is resumed; other queues go on': () => ({
    pause: async () => {},
    paused: async () => true,
  }),
  'tasks are counted by where they stand': (broker) => ({
    counts: async (queue) => {
      const { waiting = 0, delayed = 0 } = await broker.counts(queue, {})
      return { waiting: waiting + delayed, delayed }
    },
  }),
  'a worker that closes lets its tasks end, and takes no new ones': (broker) => ({
    consume: async (options) => {
      const consumer = await broker.consume(options)
      return { stop: () => consumer.close(0), close: (deadlineMs) => consumer.close(deadlineMs) }
    },
  }),
  'a task that is cancelled in the moment it is handed back runs nowhere else': () => ({
    cancel: async () => 'requested',
  }),
  'a task whose cancellation was confirmed starts nowhere, also while it goes from worker to worker': (broker) => ({
    cancel: async (ref, reason) => {
      setTimeout(() => void broker.cancel(ref, reason, {}), 100)
      return 'cancelled'
    },
  }),
  'a handler that never ends and has no timeout keeps no worker from closing, and its task is handed back': settling(
    (outcome) => (outcome.kind === 'released' ? { kind: 'completed', result: undefined } : outcome),
  ),
  'what is still running at the deadline is handed back, and runs elsewhere without an attempt spent': settling(
    (outcome) => (outcome.kind === 'released' ? { kind: 'retry', delayMs: 0, failure } : outcome),
  ),

  'tasks in the hands of a process that dies run elsewhere, and no attempt is spent': delivering(
    ({ attempt, suspect }) => ({ attempt: suspect ? attempt + 1 : attempt }),
  ),
  'a task whose process has died is cancelled from elsewhere, whether or not that was noticed, and runs no more':
    () => ({ cancel: async () => 'requested' }),
  'of a task that kills its process and its innocent neighbours only the culprit is convicted': consuming(() => ({
    crashBudget: 1,
  })),
  'one process leads at a time, and another takes over with what was saved when it dies or steps down': () => ({
    lead: async (_, lead) => {
      const over = new AbortController()
      void lead({ signal: over.signal, state: undefined, save: async () => {} }).catch(() => {})
      return { close: async () => over.abort() }
    },
  }),
  'a schedule of two workers enqueues each of its slots once': twice,
  'a schedule is paused, resumed, reported and run at once from any process that knows it': () => ({
    board: { entries: async () => new Map(), set: async () => {} },
  }),
}

/** Longer than any check takes on a sound broker in memory: one that has not ended by then waits for what never comes. */
const PATIENCE_MS = 6000

describe.concurrent('each check of a task broker notices a broker that breaks its promise', () => {
  test('there is a broken broker for every check', () => {
    expect(Object.keys(sabotage).sort()).toEqual(taskBrokerChecks.map(({ name }) => name).sort())
  })

  for (const check of taskBrokerChecks) {
    test(check.name, async () => {
      const change = sabotage[check.name]
      if (change === undefined) throw new Error('no broker breaks this promise')
      const passed = check.run(broken(change)).then(
        () => true,
        () => false,
      )
      expect(await Promise.race([passed, sleep(PATIENCE_MS, false, { ref: true })])).toBe(false)
    }, 20_000)
  }
})
