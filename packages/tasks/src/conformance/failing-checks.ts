import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { NonRetryableError, RetryAfterError } from '../task-errors.js'
import { eventually, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

const quick = { type: 'fixed', delay: 100 } as const

/** What becomes of tasks that fail: tried again, given up, put aside, brought back. */
export const failingChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'a failed task is tried again after its backoff, its attempts counted, until it succeeds',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const attempts: number[] = []
        const times: number[] = []
        const flaky = defineTask({
          name: 'flaky',
          retry: { attempts: 5, backoff: { type: 'fixed', delay: 300 } },
          run: (_: undefined, context) => {
            attempts.push(context.attempt)
            times.push(Date.now())
            if (context.attempt < 3) throw new Error('not yet')
            return 'at last'
          },
        })
        const { tasks } = start([flaky])
        await tasks.worker().start()
        assert.equal(await (await tasks.enqueue(flaky)).result(), 'at last')
        assert.deepEqual(attempts, [1, 2, 3])
        const [first = 0, second = 0, third = 0] = times
        assert.ok(second - first >= 300 && third - second >= 300, `waited ${second - first} and ${third - second} ms`)
      }),
  },
  {
    name: 'tasks that come again at once, after a failure or a nap, run every attempt, and each once',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs = new Map<string, string[]>()
        const hasty = defineTask({
          name: 'hasty',
          retry: { attempts: 4, backoff: { type: 'fixed', delay: 0 } },
          run: (_: undefined, context) => {
            const { id, attempt } = context
            const own = runs.get(id) ?? []
            runs.set(id, own)
            if (own.length === 1) {
              own.push('nap')
              context.snooze(0)
            }
            own.push(`attempt ${attempt}`)
            if (attempt < 4) throw new Error('again, at once')
          },
        })
        const { tasks } = start([hasty])
        await tasks.worker({ concurrency: 10 }).start()
        const handles = await Promise.all(Array.from({ length: 8 }, () => tasks.enqueue(hasty)))
        await Promise.all(handles.map((handle) => handle.result()))
        for (const { id } of handles) {
          assert.deepEqual(runs.get(id), ['attempt 1', 'nap', 'attempt 2', 'attempt 3', 'attempt 4'])
        }
      }),
  },
  {
    name: 'a task whose every attempt fails is dead with its reason, its failure and its input',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const doomed = defineTask({
          name: 'doomed',
          retry: { attempts: 2, backoff: quick },
          run: (_: { order: number }) => {
            runs += 1
            throw new TypeError('it is broken')
          },
        })
        const { tasks } = start([doomed])
        await tasks.worker().start()
        const handle = await tasks.enqueue(doomed, { order: 7 })
        await assert.rejects(handle.result(), { code: 'TASK_FAILED', reason: 'attempts', id: handle.id })
        assert.equal(runs, 2)
        assert.equal(await handle.status(), 'dead')
        const [letter, ...others] = await tasks.dead.list()
        assert.deepEqual(others, [])
        assert.equal(letter?.id, handle.id)
        assert.equal(letter.reason, 'attempts')
        assert.equal(letter.attempt, 2)
        assert.deepEqual(letter.input, { order: 7 })
        assert.equal(letter.failure.name, 'TypeError')
        assert.equal(letter.failure.message, 'it is broken')
      }),
  },
  {
    name: 'a failure that another attempt cannot mend makes the task dead at once',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs: string[] = []
        const hopeless = defineTask({
          name: 'hopeless',
          retry: { attempts: 5, backoff: quick, retryIf: (error) => !(error instanceof RangeError) },
          run: (how: string) => {
            runs.push(how)
            throw how === 'declared' ? new NonRetryableError('never') : new RangeError('never')
          },
        })
        const { tasks } = start([hopeless])
        await tasks.worker().start()
        for (const how of ['declared', 'filtered']) {
          const handle = await tasks.enqueue(hopeless, how)
          await assert.rejects(handle.result(), { code: 'TASK_FAILED', reason: 'non-retryable' })
        }
        assert.deepEqual(runs, ['declared', 'filtered'])
      }),
  },
  {
    name: 'a handler may name the wait before its next attempt',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const times: number[] = []
        const polite = defineTask({
          name: 'polite',
          retry: { attempts: 2, backoff: { type: 'fixed', delay: '1h' } },
          run: () => {
            times.push(Date.now())
            if (times.length === 1) throw new RetryAfterError('busy', 400)
          },
        })
        const { tasks } = start([polite])
        await tasks.worker().start()
        await (await tasks.enqueue(polite)).result()
        const waited = (times[1] ?? 0) - (times[0] ?? 0)
        assert.ok(waited >= 400 && waited < 20_000, `waited ${waited} ms`)
      }),
  },
  {
    name: 'an attempt that runs out of time is aborted and counts; a handler that ignores that holds nobody up',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const reasons: unknown[] = []
        const slow = defineTask({
          name: 'slow',
          timeout: 150,
          retry: { attempts: 2, backoff: quick },
          run: async (how: string, { signal }) => {
            signal.addEventListener('abort', () => reasons.push((signal.reason as { code: string }).code))
            await (how === 'stubborn' ? new Promise(() => {}) : rejectOnAbort(signal))
          },
        })
        const fast = defineTask({ name: 'fast', run: () => 'done' })
        const { tasks } = start([slow, fast])
        await tasks.worker({ concurrency: 1, grace: 100 }).start()
        for (const how of ['willing', 'stubborn']) {
          const handle = await tasks.enqueue(slow, how)
          await assert.rejects(handle.result(), { code: 'TASK_FAILED', reason: 'timeout' })
        }
        assert.deepEqual(
          reasons,
          Array.from({ length: 4 }, () => 'TASK_TIMEOUT'),
        )
        assert.equal(await (await tasks.enqueue(fast)).result(), 'done')
      }),
  },
  {
    name: 'a snoozed task comes again after its nap without an attempt spent',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const attempts: number[] = []
        const sleepy = defineTask({
          name: 'sleepy',
          retry: { attempts: 1 },
          run: (_: undefined, context) => {
            attempts.push(context.attempt)
            if (attempts.length < 4) context.snooze(100)
            return 'awake'
          },
        })
        const { tasks } = start([sleepy])
        await tasks.worker().start()
        assert.equal(await (await tasks.enqueue(sleepy)).result(), 'awake')
        assert.deepEqual(attempts, [1, 1, 1, 1])
      }),
  },
  {
    name: 'what a task did once is not done again by its next attempt',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let charges = 0
        const pay = defineTask({
          name: 'pay',
          retry: { attempts: 3, backoff: quick },
          run: async (_: undefined, context) => {
            const receipt = await context.once('charge', () => ({ number: ++charges }))
            if (context.attempt < 3) throw new Error('after the charge')
            return receipt
          },
        })
        const { tasks } = start([pay])
        await tasks.worker().start()
        assert.deepEqual(await (await tasks.enqueue(pay)).result(), { number: 1 })
        assert.deepEqual(await (await tasks.enqueue(pay)).result(), { number: 2 })
      }),
  },
  {
    name: 'a task that was not started before it expired is dead without a run',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const offer = defineTask({ name: 'offer', run: () => void ++runs })
        const { tasks } = start([offer])
        const handle = await tasks.enqueue(offer, undefined, { expires: 100 })
        await pause(250)
        await tasks.worker().start()
        await assert.rejects(handle.result(), { code: 'TASK_FAILED', reason: 'expired' })
        assert.equal(runs, 0)
      }),
  },
  {
    name: 'a task that a worker does not know, or only in an older version, waits for one that does',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const old = defineTask({ name: 'report', run: () => 'old' })
        const newer = defineTask({ name: 'report', version: 2, run: () => 'new' })
        const fresh = defineTask({ name: 'fresh', run: () => 'fresh' })
        const producer = start([newer, fresh]).tasks
        const first = await producer.enqueue(newer)
        const second = await producer.enqueue(fresh)
        const outdated = start([old]).tasks.worker()
        await outdated.start()
        await pause(500)
        await outdated.close({ deadline: '30s' }) // it parks both before it goes
        await start([newer, fresh]).tasks.worker().start()
        assert.equal(await first.result({ timeout: '45s' }), 'new')
        assert.equal(await second.result({ timeout: '45s' }), 'fresh')
      }),
  },
  {
    name: 'a task that nobody knows within the grace is dead as unknown',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const known = defineTask({ name: 'known', run: () => {} })
        const strange = defineTask({ name: 'strange', run: () => {} })
        const producer = start([strange]).tasks
        const handle = await producer.enqueue(strange)
        await start([known]).tasks.worker({ unknownGrace: 200 }).start()
        await assert.rejects(handle.result({ timeout: '45s' }), { code: 'TASK_FAILED', reason: 'unknown-task' })
      }),
  },
  {
    name: 'an input of an older version is brought up to the newer one',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const first = defineTask({ name: 'note', run: (_: { text: string }) => 'old' })
        const third = defineTask({
          name: 'note',
          version: 3,
          migrate: {
            1: (input: { text: string }) => ({ body: input.text }),
            2: (input: { body: string }) => ({ ...input, length: input.body.length }),
          },
          run: (input: { body: string; length: number }) => `${input.body} ${input.length}`,
        })
        const handle = await start([first]).tasks.enqueue(first, { text: 'hello' })
        await start([third]).tasks.worker().start()
        assert.equal(await handle.result(), 'hello 5')
      }),
  },
  {
    name: 'dead letters are listed by what they are, replayed under their id with fresh attempts, and discarded',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let healed = false
        const attempts: number[] = []
        const ill = defineTask({
          name: 'ill',
          retry: { attempts: 1 },
          run: (n: number, context) => {
            attempts.push(context.attempt)
            if (!healed) throw new Error('ill')
            return n
          },
        })
        const { tasks } = start([ill])
        await tasks.worker().start()
        const handles = [await tasks.enqueue(ill, 0), await tasks.enqueue(ill, 1), await tasks.enqueue(ill, 2)]
        for (const handle of handles) await assert.rejects(handle.result())
        const [first, second, third] = handles.map(({ id }) => id)
        assert.equal((await tasks.dead.list({ task: 'ill', reason: 'attempts' })).length, 3)
        assert.deepEqual(await tasks.dead.list({ reason: 'timeout' }), [])
        assert.equal((await tasks.dead.list({ limit: 2 })).length, 2)
        const dry = await tasks.dead.replay({ task: 'ill' }, { dryRun: true, limit: 2 })
        assert.deepEqual(dry, { replayed: [first, second], dryRun: true })
        assert.equal((await tasks.dead.list()).length, 3)
        assert.equal(await tasks.dead.discard(third ?? ''), true)
        assert.equal(await tasks.dead.discard(third ?? ''), false)
        healed = true
        assert.deepEqual(await tasks.dead.replay(first ?? ''), { replayed: [first], dryRun: false })
        assert.equal(await tasks.handle(ill, first ?? '').result(), 0)
        assert.deepEqual(
          (await tasks.dead.list()).map(({ id }) => id),
          [second],
        )
        assert.deepEqual(await tasks.dead.replay({}), { replayed: [second], dryRun: false })
        assert.equal(await tasks.handle(ill, second ?? '').result(), 1)
        await eventually('no dead letters', async () => (await tasks.dead.list()).length === 0)
        assert.deepEqual((await tasks.dead.replay(first ?? '')).replayed, [])
        assert.deepEqual(attempts, [1, 1, 1, 1, 1])
      }),
  },
]

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
}
