import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { NonRetryableError } from '../task-errors.js'
import { eventually, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** What is put back is run again: nothing about its earlier run keeps it from that. */
export const againChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'a replay of what has this moment died is no copy of it: it runs, time and again',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const runs = new Map<string, number>()
        const dying = defineTask({
          name: 'dying',
          run: (_: number, { id }) => {
            const run = (runs.get(id) ?? 0) + 1
            runs.set(id, run)
            if (run < 3) throw new NonRetryableError('no')
            return run
          },
        })
        const { tasks } = start([dying])
        await tasks.worker({ concurrency: 20 }).start()
        const inputs = Array.from({ length: 20 }, (_, input) => ({ input }))
        const answers = await tasks.enqueueMany(dying, inputs)
        let replayed = 0
        await eventually('each was replayed twice', async () => {
          replayed += (await tasks.dead.replay({})).replayed.length
          return replayed === 40
        })
        for (const { handle } of answers) assert.equal(await handle?.result(), 3)
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
