import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { eventually, latch, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** How tasks are run: once, with their input, in order, within the concurrency. */
export const runningChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'a task runs once and its result reaches whoever enqueued it',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const double = defineTask({
          name: 'double',
          run: (input: { n: number }) => {
            runs += 1
            return { doubled: input.n * 2 }
          },
        })
        const { tasks } = start([double])
        await tasks.worker().start()
        const handle = await tasks.enqueue(double, { n: 21 })
        assert.deepEqual(await handle.result(), { doubled: 42 })
        assert.equal(await handle.status(), 'completed')
        await pause(100)
        assert.equal(runs, 1)
      }),
  },
  {
    name: 'what one process enqueues another runs, and a third reads the result by its id',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const echo = defineTask({ name: 'echo', run: (input: string) => `${input}!` })
        const producer = start([echo]).tasks
        const reader = start([echo]).tasks
        const handle = await producer.enqueue(echo, 'hello')
        await start([echo]).tasks.worker().start()
        assert.equal(await handle.result(), 'hello!')
        const read = reader.handle(echo, handle.id)
        assert.equal(await read.result(), 'hello!')
        assert.equal(await read.status(), 'completed')
      }),
  },
  {
    name: 'an input comes as JSON brings it, and a result goes as JSON takes it',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const seen: unknown[] = []
        const show = defineTask({
          name: 'show',
          run: (input: unknown) => {
            seen.push(input)
            return input === 'nothing' ? undefined : input
          },
        })
        const { tasks } = start([show])
        const inputs = [null, 0, '', false, 'nothing', [1, { deep: 'ü€😀' }], { gone: undefined, at: new Date(0) }]
        for (const input of inputs) await tasks.enqueue(show, input)
        await tasks.worker({ concurrency: 1 }).start()
        await eventually('all inputs', () => seen.length === inputs.length)
        assert.deepEqual(seen, [
          null,
          0,
          '',
          false,
          'nothing',
          [1, { deep: 'ü€😀' }],
          { at: '1970-01-01T00:00:00.000Z' },
        ])
        assert.equal(await (await tasks.enqueue(show, null)).result(), null)
        assert.equal(await (await tasks.enqueue(show, 'nothing')).result(), undefined)
      }),
  },
  {
    name: 'a delayed task does not start before its time, and soon after it',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const startedAt: number[] = []
        const late = defineTask({ name: 'late', run: () => void startedAt.push(Date.now()) })
        const { tasks } = start([late])
        await tasks.worker().start()
        // A broker may have to set up its delays with the first one.
        const later = await tasks.enqueue(late, undefined, { delay: '1h' })
        assert.equal(await later.status(), 'delayed')
        const before = Date.now()
        const handle = await tasks.enqueue(late, undefined, { delay: 700 })
        await handle.result({ timeout: '30s' })
        const waited = (startedAt[0] ?? 0) - before
        assert.ok(waited >= 700, `started after ${waited} ms`)
        assert.ok(waited < 20_000, `started only after ${waited} ms`)
      }),
  },
  {
    name: 'tasks start first in, first out',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const order: number[] = []
        const step = defineTask({ name: 'step', run: (n: number) => void order.push(n) })
        const { tasks } = start([step])
        for (let n = 0; n < 20; n += 1) await tasks.enqueue(step, n)
        await tasks.worker({ concurrency: 1 }).start()
        await eventually('20 runs', () => order.length === 20)
        assert.deepEqual(
          order,
          Array.from({ length: 20 }, (_, n) => n),
        )
      }),
  },
  {
    name: 'a worker runs as many tasks at once as its concurrency allows, and no more',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let running = 0
        let most = 0
        const busy = defineTask({
          name: 'busy',
          run: async () => {
            running += 1
            most = Math.max(most, running)
            await pause(60)
            running -= 1
          },
        })
        const { tasks } = start([busy])
        const items = Array.from({ length: 24 }, () => ({ input: undefined }))
        const answers = await tasks.enqueueMany(busy, items)
        await tasks.worker({ concurrency: 4 }).start()
        for (const { handle } of answers) await handle?.result()
        assert.equal(most, 4)
      }),
  },
  {
    name: 'a batch answers for each of its tasks, in order',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const square = defineTask({ name: 'square', run: (n: number) => n * n })
        const { tasks } = start([square])
        await tasks.worker().start()
        const inputs = Array.from({ length: 150 }, (_, n) => n)
        const answers = await tasks.enqueueMany(
          square,
          inputs.map((input) => ({ input })),
        )
        assert.equal(answers.length, 150)
        const results = await Promise.all(answers.map(({ handle }) => handle?.result()))
        assert.deepEqual(
          results,
          inputs.map((n) => n * n),
        )
      }),
  },
  {
    name: 'the low lane goes on while the high lane is never empty, and high gets the larger share',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const order: string[] = []
        const tick = defineTask({
          name: 'tick',
          run: async (lane: string) => {
            order.push(lane)
            await pause(2)
          },
        })
        const { tasks } = start([tick])
        const items = (input: 'high' | 'normal' | 'low') =>
          Array.from({ length: 60 }, () => ({ input, options: { priority: input } }))
        await tasks.enqueueMany(tick, [...items('low'), ...items('normal'), ...items('high')])
        await tasks.worker({ concurrency: 1 }).start()
        await eventually('60 runs', () => order.length >= 60, 30_000)
        const count = (lane: string) => order.slice(0, 60).filter((one) => one === lane).length
        assert.ok(count('low') >= 3, `low ran ${count('low')} of 60 times`)
        assert.ok(count('high') > count('normal'), `high ${count('high')}, normal ${count('normal')}`)
        assert.ok(count('normal') > count('low'), `normal ${count('normal')}, low ${count('low')}`)
      }),
  },
  {
    name: 'progress is seen from another process while the task runs',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const goOn = latch()
        const work = defineTask({
          name: 'work',
          run: async (_: undefined, context) => {
            await context.progress({ percent: 40 })
            await goOn.opened
          },
        })
        const handle = await start([work]).tasks.enqueue(work)
        await start([work]).tasks.worker().start()
        const watcher = start([work]).tasks.handle(work, handle.id)
        await eventually('progress', async () => JSON.stringify(await watcher.progress()) === '{"percent":40}')
        assert.equal(await watcher.status(), 'running')
        goOn.open()
        await handle.result()
      }),
  },
  {
    name: 'whoever waits for a result is told soon, and only as long as it wants to wait',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const goOn = latch()
        const wait = defineTask({
          name: 'wait',
          run: async () => {
            await goOn.opened
            return Date.now()
          },
        })
        const handle = await start([wait]).tasks.enqueue(wait)
        await start([wait]).tasks.worker().start()
        await assert.rejects(handle.result({ timeout: 300 }), { code: 'TASK_RESULT_TIMEOUT' })
        const result = handle.result()
        await pause(300)
        goOn.open()
        const lag = Date.now() - (await result)
        assert.ok(lag < 5000, `told after ${lag} ms`)
      }),
  },
  {
    name: 'a result of a task that never was is unavailable, at once',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const none = defineTask({ name: 'none', run: () => 1 })
        const { tasks, broker } = start([none])
        const handle = tasks.handle(none, 'no-such-task')
        // A broker that does not know what waits cannot tell "never" from "not yet".
        const code = broker.capabilities.inspectWaiting ? 'TASK_RESULT_UNAVAILABLE' : 'TASK_RESULT_TIMEOUT'
        await assert.rejects(handle.result({ timeout: broker.capabilities.inspectWaiting ? '8s' : '1s' }), { code })
        assert.equal(await handle.status(), 'unknown')
        assert.equal(await handle.progress(), undefined)
      }),
  },
  {
    name: 'a task enqueued by a task carries the line it comes from',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const lines: unknown[] = []
        const child = defineTask({ name: 'child', run: () => {} })
        const parent = defineTask({
          name: 'parent',
          run: async (_: undefined, context) => (await context.enqueue(child)).id,
        })
        const { tasks } = start([parent, child], {
          middleware: [
            {
              run: (run, next) => {
                lines.push([run.message.task, run.message.parent, run.message.root])
                return next()
              },
            },
          ],
        })
        await tasks.worker().start()
        const handle = await tasks.enqueue(parent)
        await handle.result()
        await eventually('the child', () => lines.length === 2)
        assert.deepEqual(lines, [
          ['parent', undefined, undefined],
          ['child', handle.id, handle.id],
        ])
      }),
  },
]
