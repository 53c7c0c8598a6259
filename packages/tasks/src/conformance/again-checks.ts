import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { NonRetryableError } from '../task-errors.js'
import { eventually, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** What is put back is run again: nothing about its earlier run keeps it from that. */
export const againChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'a retry without a pause, a nap of nothing and a replay of what has just died are no copies: each of them runs',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs = new Map<string, number>()
        const count = (id: string): number => {
          runs.set(id, (runs.get(id) ?? 0) + 1)
          return runs.get(id) ?? 0
        }
        const retried = defineTask({
          name: 'retried',
          retry: { attempts: 3, backoff: { type: 'fixed', delay: 0 } },
          run: (_: number, { id }) => {
            if (count(id) < 3) throw new Error('again')
            return 3
          },
        })
        const napping = defineTask({
          name: 'napping',
          run: (_: number, context) => (count(context.id) < 3 ? context.snooze(0) : 3),
        })
        const dying = defineTask({
          name: 'dying',
          run: (_: number, { id }) => {
            if (count(id) < 3) throw new NonRetryableError('no')
            return 3
          },
        })
        const { tasks } = start([retried, napping, dying])
        await tasks.worker({ concurrency: 20 }).start()
        const inputs = Array.from({ length: 20 }, (_, input) => ({ input }))
        const batches = await Promise.all([retried, napping, dying].map((task) => tasks.enqueueMany(task, inputs)))
        const handles = batches.flat().map(({ handle }) => handle)
        for (let replayed = 0; replayed < 40; ) {
          await eventually('a dead letter', async () => {
            const report = await tasks.dead.replay({})
            replayed += report.replayed.length
            return report.replayed.length > 0
          })
        }
        for (const handle of handles) {
          await eventually('a task has ended', async () => (await handle?.status()) === 'completed')
          assert.equal(await handle?.result(), 3)
        }
        assert.deepEqual([...new Set(runs.values())], [3])
      }),
  },
  {
    name: 'what expired runs when it is replayed, and whoever waits is told of that run',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const offer = defineTask({ name: 'offer', run: () => 'ran' })
        const { tasks } = start([offer])
        const handle = await tasks.enqueue(offer, undefined, { expires: 1 })
        await pause(50)
        await tasks.worker().start()
        await assert.rejects(handle.result(), { reason: 'expired' })
        await tasks.admin.pause('default')
        await eventually('it is replayed', async () => (await tasks.dead.replay(handle.id)).replayed.length === 1)
        const told = handle.result().catch((error: unknown) => error)
        await pause(50)
        await tasks.admin.resume('default')
        assert.equal(await told, 'ran')
      }),
  },
]
