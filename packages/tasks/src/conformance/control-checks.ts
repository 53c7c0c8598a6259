import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { eventually, latch, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** What can be done to tasks and queues from anywhere: cancel, pause, count, close. */
export const controlChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'a waiting or delayed task that is cancelled from another process never runs',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs: string[] = []
        const job = defineTask({ name: 'job', run: (which: string) => void runs.push(which) })
        const producer = start([job]).tasks
        const operator = start([job]).tasks
        const waiting = await producer.enqueue(job, 'waiting')
        const delayed = await producer.enqueue(job, 'delayed', { delay: 500 })
        const kept = await producer.enqueue(job, 'kept')
        assert.equal(await operator.handle(job, waiting.id).cancel('changed my mind'), 'cancelled')
        assert.equal(await operator.handle(job, delayed.id).cancel(), 'cancelled')
        await start([job]).tasks.worker().start()
        await kept.result()
        await pause(900)
        assert.deepEqual(runs, ['kept'])
        assert.equal(await waiting.status(), 'cancelled')
        await assert.rejects(delayed.result(), { code: 'TASK_CANCELLED' })
        assert.deepEqual(await producer.dead.list(), [])
      }),
  },
  {
    name: 'a running task that is cancelled from another process is told so, and ends as cancelled',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let told: unknown
        const long = defineTask({
          name: 'long',
          run: (_: undefined, { signal }) =>
            new Promise<void>((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                told = signal.reason
                reject(new Error('stopped'))
              })
            }),
        })
        const handle = await start([long]).tasks.enqueue(long)
        const worker = start([long]).tasks.worker()
        await worker.start()
        await eventually('a run', () => worker.running === 1)
        const answer = await start([long]).tasks.handle(long, handle.id).cancel('enough')
        assert.equal(answer, 'requested')
        await assert.rejects(handle.result(), { code: 'TASK_CANCELLED' })
        assert.equal((told as { code: string }).code, 'TASK_CANCELLED')
        assert.equal(await handle.status(), 'cancelled')
      }),
  },
  {
    name: 'cancelling what has ended, or never was, says so',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const quick = defineTask({ name: 'quick', run: () => 'done' })
        const { tasks, broker } = start([quick])
        await tasks.worker().start()
        const handle = await tasks.enqueue(quick)
        await handle.result()
        assert.equal(await handle.cancel(), 'finished')
        assert.equal(await handle.result(), 'done')
        const never = await tasks.handle(quick, 'no-such-task').cancel()
        assert.equal(never, broker.capabilities.inspectWaiting ? 'unknown' : 'cancelled')
      }),
  },
  {
    name: 'a paused queue starts nothing on any worker until it is resumed; other queues go on',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs: string[] = []
        const mail = defineTask({ name: 'mail', queue: 'mail', run: (n: string) => void runs.push(n) })
        const other = defineTask({ name: 'other', run: (n: string) => void runs.push(n) })
        const { tasks } = start([mail, other])
        await start([mail, other]).tasks.worker().start()
        await (await tasks.enqueue(mail, 'before')).result()
        await tasks.admin.pause('mail')
        assert.equal(await tasks.admin.paused('mail'), true)
        await pause(300)
        const held = await tasks.enqueue(mail, 'held')
        await (await tasks.enqueue(other, 'other')).result()
        await pause(500)
        assert.deepEqual(runs, ['before', 'other'])
        await tasks.admin.resume('mail')
        await held.result()
        assert.deepEqual(runs, ['before', 'other', 'held'])
      }),
  },
  {
    name: 'tasks are counted by where they stand',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const goOn = latch()
        const hold = defineTask({ name: 'hold', run: () => goOn.opened })
        const { tasks } = start([hold])
        for (let n = 0; n < 3; n += 1) await tasks.enqueue(hold)
        await tasks.enqueue(hold, undefined, { delay: '1h' })
        const worker = tasks.worker({ concurrency: 1 })
        await eventually('two wait, one is delayed', async () => {
          const { default: counts } = await tasks.admin.counts()
          return (counts?.waiting ?? 0) === 3 && (counts?.delayed ?? 1) === 1
        })
        await worker.start()
        await eventually('one runs', () => worker.running === 1)
        goOn.open()
      }),
  },
  {
    name: 'a worker that closes lets its tasks end, and takes no new ones',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let ended = 0
        const work = defineTask({
          name: 'work',
          run: async () => {
            await pause(400)
            ended += 1
          },
        })
        const { tasks } = start([work])
        for (let n = 0; n < 6; n += 1) await tasks.enqueue(work)
        const worker = tasks.worker({ concurrency: 2 })
        await worker.start()
        await eventually('two run', () => worker.running === 2)
        const report = await worker.close({ deadline: '10s' })
        assert.equal(ended, 2)
        assert.equal(report.finished, 2)
        assert.equal(report.handedBack, 0)
        await pause(300)
        assert.equal(ended, 2)
        await start([work]).tasks.worker({ concurrency: 4 }).start()
        await eventually('all six', () => ended === 6)
        await pause(500)
        assert.equal(ended, 6)
      }),
  },
  {
    name: 'what is still running at the deadline is handed back, and runs elsewhere without an attempt spent',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const seen: string[] = []
        const define = (where: string, ms: number) =>
          defineTask({
            name: 'long',
            retry: { attempts: 1 },
            run: async (_: undefined, context) => {
              seen.push(`${where} ${context.attempt}`)
              await new Promise<void>((resolve, reject) => {
                const timer = setTimeout(resolve, ms)
                context.signal.addEventListener('abort', () => {
                  clearTimeout(timer)
                  reject(context.signal.reason)
                })
              })
              return where
            },
          })
        const first = define('first', 60_000)
        const { tasks } = start([first])
        const worker = tasks.worker()
        await worker.start()
        const handle = await tasks.enqueue(first)
        await eventually('it runs', () => worker.running === 1)
        const began = performance.now()
        const report = await worker.close({ deadline: 600 })
        assert.ok(performance.now() - began < 20_000)
        assert.equal(report.handedBack, 1)
        const second = define('second', 1)
        await start([second]).tasks.worker().start()
        assert.equal(await handle.result(), 'second')
        assert.deepEqual(seen, ['first 1', 'second 1'])
      }),
  },
  {
    name: 'a handler that never ends and has no timeout keeps no worker from closing, and its task is handed back',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const never = defineTask({ name: 'stuck', run: () => new Promise<number>(() => {}) })
        const { tasks } = start([never])
        const worker = tasks.worker()
        await worker.start()
        const handle = await tasks.enqueue(never)
        await eventually('it runs', () => worker.running === 1)
        const report = await worker.close({ deadline: '500ms' })
        assert.deepEqual([report.handedBack, report.zombies], [1, 1])
        const ends = defineTask({ name: 'stuck', run: (_: undefined, { attempt }) => attempt })
        await start([ends]).tasks.worker().start()
        assert.equal(await handle.result(), 1)
      }),
  },
  {
    name: 'a task that is cancelled in the moment it is handed back runs nowhere else',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let again = 0
        const elsewhere = defineTask({ name: 'long', run: () => void ++again })
        const operator = start([elsewhere]).tasks
        await operator.open({ deadlineMs: 20_000 }) // its worker and its cancel are not to wait for the same connection
        let cancelled: Promise<unknown> | undefined
        const long = defineTask({
          name: 'long',
          run: (_: undefined, { id, signal }) =>
            new Promise<void>((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                cancelled = operator.handle(elsewhere, id).cancel('enough')
                const stop = (): void => reject(new Error('stopped'))
                cancelled.then(stop, stop)
              })
            }),
        })
        const { tasks } = start([long])
        const handle = await tasks.enqueue(long)
        const worker = tasks.worker()
        await worker.start()
        await eventually('it runs', () => worker.running === 1)
        await worker.close({ deadline: '1s' })
        await cancelled // who starts it before that cannot know
        await operator.worker().start()
        await assert.rejects(operator.handle(elsewhere, handle.id).result({ timeout: '20s' }), {
          code: 'TASK_CANCELLED',
        })
        await (await operator.enqueue(elsewhere)).result({ timeout: '20s' })
        assert.equal(again, 1)
      }),
  },
  {
    name: 'a task whose cancellation was confirmed starts nowhere, also while it goes from worker to worker',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const confirmed = new Set<string>()
        const late: string[] = []
        const restless = defineTask({
          name: 'restless',
          retry: { attempts: 100_000, backoff: () => 0 },
          run: async (_: undefined, { id }) => {
            if (confirmed.has(id)) late.push(id)
            await pause(2)
            throw new Error('once more')
          },
        })
        const operator = start([restless]).tasks
        await operator.open({ deadlineMs: 20_000 })
        for (let n = 0; n < 2; n += 1) await start([restless]).tasks.worker({ concurrency: 2 }).start()
        const handles = await Promise.all(Array.from({ length: 8 }, () => operator.enqueue(restless)))
        await Promise.all(
          handles.map(async (handle, n) => {
            await pause(n * 10)
            await handle.cancel()
            confirmed.add(handle.id)
          }),
        )
        for (const handle of handles) {
          await assert.rejects(handle.result({ timeout: '20s' }), { code: 'TASK_CANCELLED' })
        }
        assert.deepEqual(late, [])
      }),
  },
]
