import { setTimeout as sleep } from 'node:timers/promises'
import type { TypescriptChild } from '@plinth/testing'
import { expect, test } from 'vitest'
import { eventually } from './eventually.js'
import { type FaultBed, isLong } from './fault-bed.js'
import { faultScene } from './fault-scene.js'
import { watchLateness } from './machine-lateness.js'
import { readRuns, runsById } from './run-ledger.js'
import { ends, submit } from './submit.js'
import { startWorker } from './worker-process.js'

/** Processes of workers die. */
export function crashFaults(bed: () => FaultBed): void {
  test('a task of a killed worker runs again within ten seconds, at default settings', {
    timeout: 200_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed())
    const waits: number[] = []
    let victim = await startWorker(place, ledger, { concurrency: 1 })
    for (let round = 0; round < (isLong ? 10 : 1); round += 1) {
      const [id = ''] = await submit(tasks, task, [{ ms: 120_000 }])
      await eventually(() => readRuns(ledger).some((run) => run.id === id))
      const next = await startWorker(place, ledger, { concurrency: 1 })
      const machine = watchLateness()
      const killedAt = Date.now()
      await victim.close()
      await eventually(() => readRuns(ledger).filter((run) => run.id === id).length === 2, 60_000)
      const again = readRuns(ledger).findLast((run) => run.id === id)
      machine.stop()
      // A machine that is busy with other things is not counted: it may be as late as it likes.
      waits.push(Math.round((again?.startedAt ?? Number.POSITIVE_INFINITY) - killedAt - machine.lateMs))
      await tasks.handle(task, id).cancel('seen')
      expect(await ends(tasks, task, [id], 60_000)).toEqual(new Map([[id, 'cancelled']]))
      victim = next
    }
    if (isLong) console.log(place.kind, 'recovered after', JSON.stringify(waits))
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000)
    await victim.close()
    await tasks.close()
  })

  test('of a task that kills its process and twenty neighbours only the culprit dies', {
    timeout: 240_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed(), { hasty: true })
    const innocent = { ms: 50 }
    const inputs = [...Array(10).fill(innocent), { end: 'kill' as const }, ...Array(10).fill(innocent)]
    const ids = await submit(tasks, task, inputs)
    let crashes = 0
    let over = false
    const launching = (async () => {
      while (!over) {
        const worker = await startWorker(place, ledger, { concurrency: 10 }).catch(() => undefined) // it died at once
        const end = await Promise.race([worker?.ended ?? { signal: 'SIGKILL' }, eventually(() => over, 200_000)])
        if (end?.signal === 'SIGKILL') crashes += 1
        else await worker?.close()
      }
    })()
    const states = await ends(tasks, task, ids, 150_000)
    const dead = await tasks.dead.list()
    over = true
    await launching
    expect(ids.map((id) => states.get(id))).toEqual(inputs.map(({ end }) => (end === 'kill' ? 'dead' : 'completed')))
    expect(dead.map(({ id, reason }) => ({ id, reason }))).toEqual([{ id: ids[10], reason: 'crash' }])
    // Once among its neighbours, then alone as often as its budget allows.
    expect(crashes).toBe(4)
    expect(runsById(readRuns(ledger)).get(ids[10] ?? '')).toHaveLength(4)
    await tasks.close()
  })

  test('workers that are restarted again and again dead-letter nothing of what they had prefetched', {
    timeout: 300_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed(), { hasty: true })
    // Longer than any worker lives: what each has in hand comes back, and what it only prefetched as well.
    const slow = await submit(tasks, task, Array(4).fill({ ms: 60_000 }))
    const quick = await submit(tasks, task, Array(60).fill({ ms: 5 }))
    const restarts = isLong ? 20 : 3
    for (let round = 0; round < restarts; round += 1) {
      const worker: TypescriptChild = await startWorker(place, ledger, { concurrency: 4, closeWithin: '300ms' })
      await sleep(300)
      if (round % 2 === 0) await worker.close()
      else {
        worker.signal('SIGTERM')
        expect(await worker.ended).toEqual({ code: 0, signal: null })
      }
    }
    expect(await tasks.dead.list()).toEqual([])
    for (const id of slow) await tasks.handle(task, id).cancel('enough of it')
    const last = await startWorker(place, ledger, { concurrency: 4 })
    const states = await ends(tasks, task, [...slow, ...quick], 120_000)
    expect(quick.map((id) => states.get(id))).toEqual(quick.map(() => 'completed'))
    expect(slow.map((id) => states.get(id))).toEqual(slow.map(() => 'cancelled'))
    expect(await tasks.dead.list()).toEqual([])
    last.signal('SIGTERM')
    expect(await last.ended).toEqual({ code: 0, signal: null })
    await tasks.close()
  })
}
