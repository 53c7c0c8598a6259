import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { defineTask } from '../define-task.js'
import { eventually, latch, pause } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** What the death of a process may cost: nothing but time. */
export const crashChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'tasks in the hands of a process that dies run elsewhere, and no attempt is spent',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const ran: string[] = []
        const hang = defineTask({ name: 'work', retry: { attempts: 1 }, run: () => new Promise<void>(() => {}) })
        const work = defineTask({
          name: 'work',
          retry: { attempts: 1 },
          run: (_: undefined, context) => void ran.push(`${context.id} ${context.attempt}`),
        })
        const dying = start([hang])
        const handles = []
        for (let n = 0; n < 5; n += 1) handles.push(await dying.tasks.enqueue(hang))
        const worker = dying.tasks.worker({ concurrency: 3 })
        await worker.start()
        await eventually('three run', () => worker.running === 3)
        await fixture.crash(dying.broker)
        const { tasks } = start([work])
        await tasks.worker().start()
        for (const { id } of handles) await tasks.handle(work, id).result({ timeout: '20s' })
        assert.deepEqual([...ran].sort(), handles.map(({ id }) => `${id} 1`).sort())
      }),
  },
  {
    name: 'a task whose process has died is cancelled from elsewhere, whether or not that was noticed, and runs no more',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let again = 0
        const hang = defineTask({ name: 'work', run: () => new Promise<void>(() => {}) })
        const work = defineTask({ name: 'work', run: () => void ++again })
        const dying = start([hang])
        const handle = await dying.tasks.enqueue(hang)
        const worker = dying.tasks.worker()
        await worker.start()
        await eventually('it runs', () => worker.running === 1)
        await fixture.crash(dying.broker)
        const { tasks } = start([work])
        assert.notEqual(await tasks.handle(work, handle.id).cancel('enough'), 'finished')
        await tasks.worker().start()
        const code = 'TASK_CANCELLED'
        await assert.rejects(tasks.handle(work, handle.id).result({ timeout: '20s' }), { code, message: 'enough' })
        await (await tasks.enqueue(work)).result({ timeout: '20s' })
        assert.equal(again, 1)
      }),
  },
  {
    name: 'of a task that kills its process and its innocent neighbours only the culprit is convicted',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const beside: number[] = []
        let crashed = latch()
        const launch = async (): Promise<void> => {
          let running = 0
          const process = start([
            defineTask({
              name: 'culprit',
              retry: { attempts: 5 },
              run: async () => {
                beside.push(running)
                await fixture.crash(process.broker)
                crashed.open()
                await new Promise<void>(() => {})
              },
            }),
            defineTask({
              name: 'innocent',
              retry: { attempts: 1 },
              run: async () => {
                running += 1
                await pause(100)
                running -= 1
              },
            }),
          ])
          await process.tasks.worker({ concurrency: 4, crashBudget: 2 }).start()
        }
        const culprit = defineTask({ name: 'culprit', retry: { attempts: 5 }, run: () => {} })
        const innocent = defineTask({ name: 'innocent', retry: { attempts: 1 }, run: () => {} })
        const { tasks } = start([culprit, innocent])
        const good = []
        for (let n = 0; n < 3; n += 1) good.push(await tasks.enqueue(innocent))
        const bad = await tasks.enqueue(culprit)
        for (let n = 0; n < 6; n += 1) good.push(await tasks.enqueue(innocent))
        const convicted = bad.result({ timeout: '60s' }).then(
          () => 'completed',
          (error: { reason?: string }) => error.reason,
        )
        let ended = false
        void convicted.then(() => {
          ended = true
        })
        while (!ended && beside.length < 6) {
          crashed = latch()
          await launch()
          await Promise.race([crashed.opened, convicted])
        }
        assert.equal(await convicted, 'crash')
        // Once among neighbours, then alone as often as the budget allows.
        assert.deepEqual(beside.slice(1), [0, 0])
        for (const handle of good) await handle.result({ timeout: '20s' })
        assert.deepEqual(
          (await tasks.dead.list()).map(({ id, reason }) => [id, reason]),
          [[bad.id, 'crash']],
        )
      }),
  },
  {
    name: 'one process leads at a time, and another takes over with what was saved when it dies or steps down',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const log: string[] = []
        let leading = 0
        const lead = async (name: string, index: number): Promise<ReturnType<typeof start>> => {
          const process = start([])
          await process.broker.lead(name, async (term) => {
            leading += 1
            assert.equal(leading, 1)
            log.push(`${index} after ${term.state ?? 'nobody'}`)
            await term.save(String(index))
            await new Promise<void>((resolve) => {
              term.signal.addEventListener('abort', () => resolve())
              if (term.signal.aborted) resolve() // it may have ended while the state was saved
            })
            leading -= 1
          })
          return process
        }
        const first = await lead('office', 1)
        await eventually('the first leads', () => log.length === 1)
        await lead('office', 2)
        await pause(300)
        assert.deepEqual(log, ['1 after nobody'])
        leading = 0
        await fixture.crash(first.broker)
        leading = 0
        await eventually('the second leads', () => log.length === 2, 20_000)
        assert.deepEqual(log, ['1 after nobody', '2 after 1'])
      }),
  },
  {
    name: 'a schedule of two workers enqueues each of its slots once',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const slots: string[] = []
        const beat = defineTask({ name: 'beat', run: (_: undefined, context) => void slots.push(context.id) })
        for (let n = 0; n < 2; n += 1) {
          const { tasks } = start([beat])
          tasks.schedule('pulse', { every: '1s' }, beat)
          await tasks.worker().start()
        }
        await eventually('three slots', () => slots.length >= 3, 20_000)
        assert.equal(new Set(slots).size, slots.length)
      }),
  },
  {
    name: 'a schedule is paused, resumed, reported and run at once from any process that knows it',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const beat = defineTask({ name: 'beat', run: () => void ++runs })
        const [{ tasks }, { tasks: operator }] = [start([beat]), start([beat])]
        for (const one of [tasks, operator]) one.schedule('yearly', { cron: '0 0 1 1 *' }, beat)
        await tasks.worker().start()
        await operator.admin.pauseSchedule('yearly')
        const [report] = await tasks.admin.schedules()
        assert.equal(report?.paused, true)
        assert.ok((report.nextSlot ?? 0) > Date.now())
        const id = await operator.admin.runSchedule('yearly')
        await operator.handle(beat, id).result()
        assert.equal(runs, 1)
        await operator.admin.resumeSchedule('yearly')
        assert.equal((await tasks.admin.schedules())[0]?.paused, false)
      }),
  },
]
