import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { eventually, latch, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** What keys promise: the same request once, one at a time, only the last. */
export const keyChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'two hundred concurrent enqueues with one idempotency key, from two processes, run once',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const order = defineTask({ name: 'order', run: () => void ++runs })
        const producers = [start([order]).tasks, start([order]).tasks]
        const handles = await Promise.all(
          Array.from({ length: 200 }, (_, n) =>
            producers[n % 2]?.enqueue(order, undefined, { idempotencyKey: 'k:1 *' }),
          ),
        )
        assert.equal(new Set(handles.map((handle) => handle?.id)).size, 1)
        assert.equal(handles.filter((handle) => handle?.deduplicated === false).length, 1)
        await start([order]).tasks.worker().start()
        await handles[0]?.result()
        await pause(300)
        assert.equal(runs, 1)
      }),
  },
  {
    name: 'an idempotency key holds after its task has finished, until its window is over',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const order = defineTask({ name: 'order', run: () => ++runs })
        const other = defineTask({ name: 'other', run: () => 'other' })
        const { tasks } = start([order, other])
        await tasks.worker().start()
        const idempotencyKey = { key: 'a', window: '1h' }
        const first = await tasks.enqueue(order, undefined, { idempotencyKey })
        assert.equal(await first.result(), 1)
        const again = await tasks.enqueue(order, undefined, { idempotencyKey })
        assert.equal(again.id, first.id)
        assert.equal(again.deduplicated, true)
        assert.equal(await again.result(), 1)
        const elsewhere = await tasks.enqueue(other, undefined, { idempotencyKey })
        assert.equal(await elsewhere.result(), 'other')
        const brief = { idempotencyKey: { key: 'b', window: '500ms' } }
        const differently = await tasks.enqueue(order, undefined, brief)
        assert.equal(differently.deduplicated, false)
        await pause(700)
        const later = await tasks.enqueue(order, undefined, brief)
        assert.notEqual(later.id, differently.id)
        assert.equal(await later.result(), 3)
      }),
  },
  {
    name: 'a request that is sent again under its id and its idempotency key runs once, also when its task left nothing',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const order = defineTask({ name: 'order', keep: { result: 0 }, run: () => void ++runs })
        const next = defineTask({ name: 'next', run: () => {} })
        const { tasks } = start([order, next])
        await tasks.worker({ concurrency: 1 }).start()
        const request = { id: 'request.1', idempotencyKey: 'request 1' }
        await tasks.enqueue(order, undefined, request)
        await (await tasks.enqueue(next)).result() // the order has ended, and nothing is kept of it
        const again = await tasks.enqueue(order, undefined, request)
        assert.deepEqual([again.id, again.deduplicated], [request.id, true])
        await (await tasks.enqueue(next)).result()
        assert.equal(runs, 1)
      }),
  },
  {
    name: 'a unique key admits one task at a time, while it waits and while it runs',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const goOn = latch()
        let runs = 0
        const sync = defineTask({
          name: 'sync',
          retry: { attempts: 2, backoff: { type: 'fixed', delay: 100 } },
          run: async (_: undefined, context) => {
            runs += 1
            await goOn.opened
            if (context.attempt === 1) throw new Error('once more')
          },
        })
        const { tasks } = start([sync])
        const first = await tasks.enqueue(sync, undefined, { unique: 'tenant' })
        const waiting = await tasks.enqueue(sync, undefined, { unique: 'tenant' })
        assert.equal(waiting.id, first.id)
        await tasks.worker().start()
        await eventually('a run', () => runs === 1)
        const running = await tasks.enqueue(sync, undefined, { unique: 'tenant' })
        assert.equal(running.deduplicated, true)
        goOn.open()
        await first.result()
        const next = await tasks.enqueue(sync, undefined, { unique: 'tenant' })
        assert.equal(next.deduplicated, false)
        await next.result()
        assert.equal(runs, 4)
      }),
  },
  {
    name: 'a unique key of what is pending lets go when the task starts',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const goOn = latch()
        let runs = 0
        const rebuild = defineTask({
          name: 'rebuild',
          run: async () => {
            runs += 1
            await goOn.opened
          },
        })
        const { tasks } = start([rebuild])
        const unique = { key: 'index', while: 'pending' } as const
        const first = await tasks.enqueue(rebuild, undefined, { unique })
        assert.equal((await tasks.enqueue(rebuild, undefined, { unique })).id, first.id)
        await tasks.worker().start()
        await eventually('a run', () => runs === 1)
        let second = first
        await eventually('the key is let go', async () => {
          second = await tasks.enqueue(rebuild, undefined, { unique })
          return !second.deduplicated
        })
        goOn.open()
        await second.result()
        assert.equal(runs, 2)
      }),
  },
  {
    name: 'a unique key lets go when its task is dead or cancelled',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const fail = defineTask({
          name: 'fail',
          retry: { attempts: 1 },
          run: () => {
            throw new Error('no')
          },
        })
        const { tasks } = start([fail])
        const waiting = await tasks.enqueue(fail, undefined, { unique: 'x', delay: '1h' })
        assert.equal(await waiting.cancel(), 'cancelled')
        const dying = await tasks.enqueue(fail, undefined, { unique: 'x' })
        assert.equal(dying.deduplicated, false)
        await tasks.worker().start()
        await assert.rejects(dying.result())
        const after = await tasks.enqueue(fail, undefined, { unique: 'x', delay: '1h' })
        assert.equal(after.deduplicated, false)
      }),
  },
  {
    name: 'an idempotency key and a unique key hold together',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const both = defineTask({ name: 'both', run: (n: number) => n })
        const { tasks } = start([both])
        const first = await tasks.enqueue(both, 1, { idempotencyKey: 'r1', unique: 'u' })
        const sameRequest = await tasks.enqueue(both, 2, { idempotencyKey: 'r1', unique: 'v' })
        assert.equal(sameRequest.id, first.id)
        const sameSubject = await tasks.enqueue(both, 3, { idempotencyKey: 'r2', unique: 'u' })
        assert.equal(sameSubject.id, first.id)
        await tasks.worker().start()
        assert.equal(await first.result(), 1)
        const next = await tasks.enqueue(both, 4, { idempotencyKey: 'r3', unique: 'u' })
        assert.equal(await next.result(), 4)
      }),
  },
  {
    name: 'of several debounced enqueues only the last runs, its wait after it came',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs: string[] = []
        const save = defineTask({ name: 'save', run: (text: string) => void runs.push(text) })
        const { tasks, broker } = start([save])
        if (!broker.capabilities.debounce) {
          await assert.rejects(tasks.enqueue(save, 'a', { debounce: { key: 'doc', wait: 400 } }), {
            code: 'TASK_CAPABILITY',
          })
          return
        }
        await tasks.worker().start()
        const handles = []
        let last = 0
        for (const text of ['a', 'ab', 'abc']) {
          last = Date.now()
          handles.push(await tasks.enqueue(save, text, { debounce: { key: 'doc', wait: 1500 } }))
          await pause(50)
        }
        await handles.at(-1)?.result()
        assert.ok(Date.now() - last >= 1500)
        await pause(300)
        assert.deepEqual(runs, ['abc'])
        assert.equal(await handles[0]?.status(), 'cancelled')
        const next = await tasks.enqueue(save, 'abcd', { debounce: { key: 'doc', wait: 100 } })
        await next.result()
        assert.deepEqual(runs, ['abc', 'abcd'])
      }),
  },
  {
    name: 'one id enqueued by several processes at the same moment is one task',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const row = defineTask({ name: 'row', run: () => ++runs })
        const producers = [start([row]).tasks, start([row]).tasks]
        const handles = await Promise.all(
          Array.from({ length: 40 }, (_, n) => producers[n % 2]?.enqueue(row, undefined, { id: `row-${n >> 3}` })),
        )
        await start([row]).tasks.worker().start()
        for (const handle of handles) await handle?.result()
        await pause(500)
        assert.equal(runs, 5)
      }),
  },
  {
    name: 'the same id enqueued again is not a second task, waiting or ended',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const row = defineTask({ name: 'row', run: () => ++runs })
        const { tasks } = start([row])
        const first = await tasks.enqueue(row, undefined, { id: 'outbox-row-17' })
        await tasks.enqueue(row, undefined, { id: 'outbox-row-17' })
        await tasks.worker().start()
        assert.equal(await first.result(), 1)
        const late = await tasks.enqueue(row, undefined, { id: 'outbox-row-17' })
        assert.equal(late.id, first.id)
        await pause(500)
        assert.equal(runs, 1)
      }),
  },
]
