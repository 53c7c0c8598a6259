import { expect, test } from 'vitest'
import { eventually } from './eventually.js'
import { type FaultBed, isLong } from './fault-bed.js'
import { faultScene } from './fault-scene.js'
import { freshLedger, type Run, readRuns, runsById } from './run-ledger.js'
import { serviceAt } from './service.js'
import { ends, submit } from './submit.js'
import { workTask } from './work.js'
import { startWorker } from './worker-process.js'

/** What must hold between processes, faults or none: attempts, keys, shutdown, schedules. */
export function semanticFaults(bed: () => FaultBed): void {
  test('a task that fails three times is tried four times, each after its own delay', {
    timeout: 180_000,
  }, async () => {
    const { ledger, task, tasks } = await faultScene(bed())
    await tasks.worker().start()
    const ids = await submit(tasks, task, Array(isLong ? 100 : 5).fill({ failures: 3 }))
    const states = await ends(tasks, task, ids, 60_000)
    expect(ids.map((id) => states.get(id))).toEqual(ids.map(() => 'completed'))
    for (const id of ids) {
      const runs = readRuns(ledger).filter((run) => run.id === id)
      expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
      const gaps = runs.slice(1).map((run, n) => run.startedAt - (runs[n]?.startedAt ?? 0))
      expect(gaps.map((gap, n) => gap >= (n === 0 ? 300 : 700))).toEqual([true, true, true])
    }
    await tasks.close()
  })

  test('of two hundred enqueues of one key at the same time, from several processes, one runs', {
    timeout: 180_000,
  }, async () => {
    const place = await bed().place()
    const ledger = freshLedger()
    const task = workTask(ledger)
    const services = Array.from({ length: 4 }, () => serviceAt(place, task))
    await Promise.all(services.map((service) => service.open({ deadlineMs: 10_000 })))
    await services[0]?.worker().start()
    for (const options of [{ idempotencyKey: 'one' }, { unique: 'one' }, { id: 'the-one' }]) {
      const handles = await Promise.all(
        Array.from({ length: 50 }).flatMap(() =>
          services.map((service) => service.enqueue(task, { ms: 800 }, options)),
        ),
      )
      expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
      expect(handles.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)
      await handles[0]?.result({ timeout: '60s' })
    }
    expect(readRuns(ledger)).toHaveLength(3)
    await Promise.all(services.map((service) => service.close()))
  })

  test('on SIGTERM a worker finishes what is short, hands back what is long or deaf, and its process ends', {
    timeout: 180_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed())
    const worker = await startWorker(place, ledger, { closeWithin: '3s' })
    const [short = '', long = '', deaf = ''] = await submit(tasks, task, [
      { ms: 1000 },
      { ms: 6000 },
      { ms: 6000, end: 'deaf' },
    ])
    await eventually(() => readRuns(ledger).length === 3)
    worker.signal('SIGTERM')
    const report = await worker.receive()
    expect(await worker.ended).toEqual({ code: 0, signal: null })
    // On a busy machine what is short may have ended before the signal came; then it is not in the report.
    expect(report).toMatchObject({ handedBack: 2, zombies: 1 })
    expect(await ends(tasks, task, [short], 60_000)).toEqual(new Map([[short, 'completed']]))
    const heir = await startWorker(place, ledger)
    const states = await ends(tasks, task, [long, deaf], 60_000)
    expect([states.get(long), states.get(deaf)]).toEqual(['completed', 'completed'])
    const again = readRuns(ledger).filter(({ pid }) => pid === heir.pid)
    // Handed back, not failed: the next worker has it at once, as the same attempt.
    expect(again.map(({ id, attempt }) => [id, attempt]).sort()).toEqual(
      [
        [deaf, 1],
        [long, 1],
      ].sort(),
    )
    await heir.close()
    await tasks.close()
  })

  test('when the process that leads the schedules is killed, another goes on: every slot runs, and once', {
    timeout: 180_000,
  }, async () => {
    const place = await bed().place({ hasty: true })
    const ledger = freshLedger()
    const slots = (): readonly number[] => [...new Set(readRuns(ledger).map(slotOf))].sort((a, b) => a - b)
    const moreSlots = (): Promise<void> => {
      const before = slots().length
      return eventually(() => slots().length >= before + 2, 60_000)
    }
    let leader = await startWorker(place, ledger, { pulse: true })
    const killed = new Set<number>()
    for (let kill = 0; kill < (isLong ? 10 : 1); kill += 1) {
      await moreSlots() // it leads: it is the only one
      const next = await startWorker(place, ledger, { pulse: true })
      killed.add(leader.pid)
      await leader.close()
      leader = next
    }
    await moreSlots()
    leader.signal('SIGTERM')
    expect(await leader.ended).toEqual({ code: 0, signal: null })
    const [first = 0] = slots()
    expect(slots()).toEqual(slots().map((_, n) => first + n * 1000))
    // A task may run again that its process was killed with, before its end was stored.
    const unexplained = [...runsById(readRuns(ledger)).values()].filter((runs) =>
      runs.slice(1).some((_, n) => !killed.has(runs[n]?.pid ?? 0)),
    )
    expect(unexplained).toEqual([])
  })
}

/** The slot of a schedule, read off the id of its task. */
function slotOf({ id }: Run): number {
  return Number.parseInt(id.split('.').at(-1) ?? '', 36)
}
