import { InfraError } from '@plinth/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { redisBroker } from '../src/brokers/redis.js'
import {
  afterCommit,
  createOutbox,
  createTasks,
  defineTask,
  implementTask,
  memoryBroker,
  type Tasks,
  virtualClock,
} from '../src/index.js'

/** What must never be taken for an option, whichever it is. */
const RUBBISH: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['NaN', Number.NaN],
  ['-1', -1],
  ['0', 0],
  ['1.5', 1.5],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['""', ''],
  ['"x y"', 'x y'],
  ['true', true],
  ['{}', {}],
  ['[]', []],
  ['a function', () => {}],
]

/** One place where something is given: what of the rubbish is fine there, and how it is given. */
type Place = readonly [where: string, fine: string, give: (value: never) => unknown]

const TYPED: ReadonlySet<string> = new Set([
  ...['TASK_DEFINITION', 'TASK_INVALID_INPUT', 'TASK_PAYLOAD_TOO_LARGE', 'REDIS_CONFIG_INVALID'],
])

/** Gives a value, and answers what is wrong with how it was met; `undefined` when it was refused by name. */
async function faultOf(give: () => unknown): Promise<string | undefined> {
  try {
    await give()
    return 'is passed over'
  } catch (error) {
    if (error instanceof InfraError && TYPED.has(error.code)) return undefined
    return `is answered with ${String(error)}`
  }
}

async function expectRefused(places: readonly Place[]): Promise<void> {
  const faults: string[] = []
  for (const [where, fine, give] of places) {
    for (const [name, value] of RUBBISH) {
      if (fine.split(', ').includes(name)) continue
      const fault = await faultOf(() => give(value as never))
      if (fault !== undefined) faults.push(`${where} = ${name} ${fault}`)
    }
  }
  expect(faults).toEqual([])
}

async function expectEachRefused(calls: Readonly<Record<string, () => unknown>>): Promise<void> {
  for (const [name, call] of Object.entries(calls)) expect([name, await faultOf(call)]).toEqual([name, undefined])
}

const X = (value: unknown): never => value as never
const job = defineTask({ name: 'job', run: (value: unknown) => value })

function make(options: object = {}): Tasks {
  const tasks = createTasks(X({ broker: memoryBroker(), tasks: [job], ...options }))
  onTestFinished(() => tasks.close())
  return tasks
}

const DURATION = '0, 1.5'
const MOMENT = '-1, 0, 1.5'

describe('what is misspelt, missing or no such value is refused by name, never passed over', () => {
  test('in definitions', async () => {
    const define = (options: object) => defineTask(X({ name: 'a', run() {}, ...options }))
    const backoff = (options: object) => define({ retry: { backoff: options } })
    await expectRefused([
      ['defineTask', '', (v) => defineTask(v)],
      ['name', '', (name) => define({ name })],
      ['version', '', (version) => define({ version })],
      ['migrate', '{}', (migrate) => define({ migrate })],
      ['a step of migrate', 'a function', (step) => define({ version: 2, migrate: { 1: step } })],
      ['retry', '{}', (retry) => define({ retry })],
      ['retry.attempts', '', (attempts) => define({ retry: { attempts } })],
      ['retry.retryIf', 'a function', (retryIf) => define({ retry: { retryIf } })],
      ['retry.backoff', 'a function', (v) => backoff(v)],
      ['backoff.first', DURATION, (first) => backoff({ type: 'exponential', first })],
      ['backoff.factor', '1.5', (factor) => backoff({ type: 'exponential', factor })],
      ['backoff.jitter', '', (jitter) => backoff({ type: 'fixed', jitter })],
      ['backoff.delay', DURATION, (delay) => backoff({ type: 'fixed', delay })],
      ['timeout', '1.5', (timeout) => define({ timeout })],
      ['queue', '', (queue) => define({ queue })],
      ['priority', '', (priority) => define({ priority })],
      ['keep', '{}', (keep) => define({ keep })],
      ['keep.result', DURATION, (result) => define({ keep: { result } })],
      ['input', '', (input) => define({ input })],
      ['output', '', (output) => define({ output })],
      ['run', 'a function', (run) => define({ run })],
      ['the task of implementTask', '', (v) => implementTask(v, () => {})],
      ['the handler of implementTask', 'a function', (v) => implementTask(job, v)],
    ])
    await expectEachRefused({
      'an option': () => define({ retires: 3 }),
      'an option of retry': () => define({ retry: { atempts: 3 } }),
      'an option of backoff': () => backoff({ type: 'fixed', dealy: 5 }),
      'an option of keep': () => define({ keep: { results: 0 } }),
      'a queue that is called as a lane is on Redis': () => define({ queue: 'mail-high' }),
    })
  })

  test('in what createTasks is given', async () => {
    await expectRefused([
      ['createTasks', '', (v) => createTasks(v)],
      ['broker', '', (broker) => make({ broker })],
      ['tasks', '[]', (tasks) => make({ tasks })],
      ['a task', '', (v) => make({ tasks: [v] })],
      ['middleware', '[]', (middleware) => make({ middleware })],
      ['a middleware', '', (v) => make({ middleware: [v] })],
      ['logger', '', (logger) => make({ logger })],
      ['enqueueTimeout', '1.5', (enqueueTimeout) => make({ enqueueTimeout })],
      ['enqueueWhenDown', '{}', (enqueueWhenDown) => make({ enqueueWhenDown })],
      ['enqueueWhenDown.max', '', (max) => make({ enqueueWhenDown: { max } })],
      ['enqueueWhenDown.maxAge', '1.5', (maxAge) => make({ enqueueWhenDown: { maxAge } })],
      ['deadline of close', DURATION, (deadline) => make().close({ deadline })],
    ])
    await expectEachRefused({
      'an option': () => make({ middlewares: [] }),
      'no broker': () => make({ broker: undefined }),
      'no tasks': () => make({ tasks: undefined }),
      'a misspelt buffer': () => make({ enqueueWhenDown: 'bufer' }),
      'a middleware of nothing known': () => make({ middleware: [{ onRun() {} }] }),
    })
  })

  test('in an enqueue and in a batch', async () => {
    const tasks = make()
    const enqueue = (options: unknown) => tasks.enqueue(job, 1, X(options))
    const item = async (value: unknown) => {
      const [answer] = await tasks.enqueueMany(job, [X(value)])
      if (answer?.error !== undefined) throw answer.error
    }
    await expectRefused([
      ['task', '', (v) => tasks.enqueue(v, X(1))],
      ['options', '{}', enqueue],
      ['delay', DURATION, (delay) => enqueue({ delay })],
      ['at', MOMENT, (at) => enqueue({ at })],
      ['expires', DURATION, (expires) => enqueue({ expires })],
      ['priority', '', (priority) => enqueue({ priority })],
      ['idempotencyKey', '"x y"', (idempotencyKey) => enqueue({ idempotencyKey })],
      ['idempotencyKey.window', '1.5', (window) => enqueue({ idempotencyKey: { key: 'k', window } })],
      ['unique', '"x y"', (unique) => enqueue({ unique })],
      ['unique.while', '', (mode) => enqueue({ unique: { key: 'k', while: mode } })],
      ['debounce', '', (debounce) => enqueue({ debounce })],
      ['debounce.wait', '1.5', (wait) => enqueue({ debounce: { key: 'k', wait } })],
      ['id', '', (id) => enqueue({ id })],
      ['headers', '{}', (headers) => enqueue({ headers })],
      ['a header', '"", "x y"', (a) => enqueue({ headers: { a } })],
      ['deadline', '1.5', (deadline) => enqueue({ deadline })],
      ['signal', '', (signal) => enqueue({ signal })],
      ['items', '[]', (items) => tasks.enqueueMany(job, items)],
      ['options of a batch', '{}', (options) => tasks.enqueueMany(job, [], options)],
      ['an item', '{}', item],
      ['options of an item', '{}', (options) => item({ options })],
    ])
    await expectEachRefused({
      'an option': () => enqueue({ dealy: 5 }),
      'an option of a key': () => enqueue({ idempotencyKey: { key: 'k', windw: 5 } }),
      'a key of any length': () => enqueue({ unique: 'k'.repeat(513) }),
      'a date that is none': () => enqueue({ at: new Date('x') }),
      'more than a hundred years': () => enqueue({ delay: Number.MAX_SAFE_INTEGER }),
      'a name that Redis uses': () => enqueue({ id: 'meta' }),
      'what goes for a whole batch': () => item({ options: { deadline: '1s' } }),
      'a field of an item': () => item({ inptu: 1 }),
    })
  })

  test('in a handle, a worker and a schedule', async () => {
    const tasks = make()
    const handle = tasks.handle(job, 'some')
    const worker = (options: unknown) => tasks.worker(X(options))
    let count = 0
    const schedule = (when: unknown, options?: unknown) => tasks.schedule(`s${count++}`, X(when), job, 1, X(options))
    await expectRefused([
      ['task of a handle', '', (v) => tasks.handle(v, 'x')],
      ['id of a handle', '"x y"', (v) => tasks.handle(job, v)],
      ['options of result', '{}', (v) => handle.result(v)],
      ['timeout of result', DURATION, (timeout) => handle.result({ timeout })],
      ['signal of result', '', (signal) => handle.result({ signal })],
      ['reason of cancel', '"x y"', (v) => handle.cancel(v)],
      ['worker', '{}', worker],
      ['concurrency', '', (concurrency) => worker({ concurrency })],
      ['queues', '', (queues) => worker({ queues })],
      ['a queue', '', (v) => worker({ queues: [v] })],
      ['weights', '{}', (weights) => worker({ weights })],
      ['a weight', '', (high) => worker({ weights: { high } })],
      ['crashBudget', '', (crashBudget) => worker({ crashBudget })],
      ['grace', DURATION, (grace) => worker({ grace })],
      ['unknownGrace', DURATION, (unknownGrace) => worker({ unknownGrace })],
      ['schedules', 'true', (schedules) => worker({ schedules })],
      ['deadline of close', DURATION, (deadline) => worker({}).close({ deadline })],
      ['name of a schedule', '', (v) => tasks.schedule(v, { cron: '@daily' }, job)],
      ['schedule', '', (v) => schedule(v)],
      ['cron', '', (cron) => schedule({ cron })],
      ['timezone', '', (timezone) => schedule({ cron: '@daily', timezone })],
      ['every', '', (every) => schedule({ every })],
      ['at', MOMENT, (at) => schedule({ at })],
      ['missed', '', (missed) => schedule({ cron: '@daily', missed })],
      ['overlap', '', (overlap) => schedule({ cron: '@daily', overlap })],
      ['jitter', DURATION, (jitter) => schedule({ cron: '@daily', jitter })],
      ['enqueue of a schedule', '{}', (v) => schedule({ cron: '@daily' }, v)],
    ])
    await expectEachRefused({
      'an option of a worker': () => worker({ concurency: 5 }),
      'a lane': () => worker({ weights: { hihg: 5 } }),
      'a queue to which no task goes': () => worker({ queues: ['defualt'] }),
      'an option of a schedule': () => schedule({ cron: '@daily', tiemzone: 'UTC' }),
      'two ways of when': () => schedule({ cron: '@daily', every: '1h' }),
      'what no slot could be enqueued with': () => schedule({ cron: '@daily' }, { expires: 'soon' }),
      'an input that is no JSON': () => tasks.schedule('big', { cron: '@daily' }, job, 1n),
      'an input that is too large': () => tasks.schedule('large', { cron: '@daily' }, job, 'x'.repeat(2 ** 21)),
    })
  })

  test('in what an operator asks: a misspelt filter replays nothing, and a misspelt dryRun is no replay', async () => {
    const { admin, dead } = make()
    await expectRefused([
      ['inspect', '"x y"', (v) => admin.inspect(v)],
      ['cancel', '"x y"', (v) => admin.cancel(v)],
      ['retry', '"x y"', (v) => admin.retry(v)],
      ['pause', '', (v) => admin.pause(v)],
      ['resume', '', (v) => admin.resume(v)],
      ['paused', '', (v) => admin.paused(v)],
      ['pauseSchedule', '', (v) => admin.pauseSchedule(v)],
      ['runSchedule', '', (v) => admin.runSchedule(v)],
      ['list', '', (v) => admin.list(v)],
      ['state of list', '', (state) => admin.list({ queue: 'default', state })],
      ['limit of list', '0', (limit) => admin.list({ queue: 'default', state: 'dead', limit })],
      ['dead.list', '{}', (v) => dead.list(v)],
      ['reason', '', (reason) => dead.list({ reason })],
      ['since', MOMENT, (since) => dead.list({ since })],
      ['limit', '0', (limit) => dead.list({ limit })],
      ['dead.replay', '"x y", {}', (v) => dead.replay(v)],
      ['options of replay', '{}', (v) => dead.replay({}, v)],
      ['dryRun', 'true', (dryRun) => dead.replay({}, { dryRun })],
      ['dead.discard', '"x y"', (v) => dead.discard(v)],
    ])
    await expectEachRefused({
      'no filter at all': () => dead.replay(X(undefined)),
      'a filter': () => dead.replay(X({ taks: 'job' })),
      'a dry run': () => dead.replay({}, X({ dryrun: true })),
      'a queue': () => admin.pause('defualt'),
    })
  })

  test('in brokers, outboxes and clocks', async () => {
    const tasks = make()
    const redis = (options: object) => redisBroker(X({ url: 'redis://127.0.0.1:1/3', ...options }))
    const rabbit = (options: object) => rabbitmqBroker(X({ url: 'amqp://127.0.0.1:1', ...options }))
    const database = { query: async () => ({ rows: [] }) }
    const outbox = (options: object) => createOutbox(X({ tasks, known: [job], database, ...options }))
    const add = (options: unknown) => outbox({}).enqueue(database, job, 1, X(options))
    await expectRefused([
      ['memoryBroker', '{}', (v) => memoryBroker(v)],
      ['clock', '', (clock) => memoryBroker({ clock })],
      ['maxTasks', '', (maxTasks) => memoryBroker({ maxTasks })],
      ['maxEnded', '0', (maxEnded) => memoryBroker({ maxEnded })],
      ['journal', '"x y"', (journal) => memoryBroker({ journal })],
      ['journal.sync', 'true', (sync) => memoryBroker({ journal: { path: 'x', sync } })],
      ['redisBroker', '', (v) => redisBroker(v)],
      ['url of Redis', '', (url) => redis({ url })],
      ['prefix', '"x y"', (prefix) => redis({ prefix })],
      ['lock', '', (lock) => redis({ lock })],
      ['stalledCheck', '', (stalledCheck) => redis({ stalledCheck })],
      ['commandTimeout', '1.5', (commandTimeout) => redis({ commandTimeout })],
      ['maxInFlight', '', (maxInFlight) => redis({ maxInFlight })],
      ['connection', '', (connection) => redisBroker({ connection })],
      ['rabbitmqBroker', '', (v) => rabbitmqBroker(v)],
      ['url of RabbitMQ', '', (url) => rabbit({ url })],
      ['heartbeat', '', (heartbeat) => rabbit({ heartbeat })],
      ['maxInFlight', '', (maxInFlight) => rabbit({ maxInFlight })],
      ['createOutbox', '', (v) => createOutbox(v)],
      ['database', '', (v) => outbox({ database: v })],
      ['known', '[]', (known) => outbox({ known })],
      ['table', '', (table) => outbox({ table })],
      ['every', '', (every) => outbox({ every })],
      ['options of an outbox enqueue', '{}', add],
      ['its delay', DURATION, (delay) => add({ delay })],
      ['its at', MOMENT, (at) => add({ at })],
      ['its priority', '', (priority) => add({ priority })],
      ['its unique', '"x y"', (unique) => add({ unique })],
      ['afterCommit', '', (v) => afterCommit(v, async () => {})],
      ['work of afterCommit', 'a function', (v) => afterCommit(tasks, v)],
      ['virtualClock', MOMENT, (v) => virtualClock(v)],
      ['advance', DURATION, (v) => virtualClock().advance(v)],
    ])
    await expectEachRefused({
      'an option of memory': () => memoryBroker(X({ maxtasks: 5 })),
      'an option of its journal': () => memoryBroker(X({ journal: { path: 'x', snyc: true } })),
      'an option of Redis': () => redis({ lok: '5s' }),
      'two places of Redis': () => redis({ cluster: ['127.0.0.1:1'] }),
      'an option of RabbitMQ': () => rabbit({ heartbeet: '5s' }),
      'an option of an outbox': () => outbox({ evry: '5s' }),
      'an option of its enqueue': () => add({ debounce: { key: 'k', wait: 5 } }),
      'an input of it that is no JSON': () => outbox({}).enqueue(database, job, 1n),
    })
  })
})

test('a deadline that is refused closes nothing, and the next one does', async () => {
  const tasks = make()
  const worker = tasks.worker()
  await worker.start()
  await expect(worker.close({ deadline: 'soon' })).rejects.toThrow('deadline of worker.close()')
  await expect(tasks.close({ deadline: 'soon' })).rejects.toThrow('deadline of tasks.close()')
  expect(worker.state).toBe('running')
  await tasks.close()
  expect(worker.state).toBe('closed')
})

test('what is collected after afterCommit has enqueued is refused, since nobody would enqueue it', async () => {
  const tasks = make()
  const { result: later } = await afterCommit(tasks, async (one) => one)
  expect(() => later.enqueue(job, 1)).toThrow('call tasks.enqueue()')
})
