import { setTimeout as sleep } from 'node:timers/promises'
import type { TypescriptChild } from '@plinth/testing'
import { expect, test } from 'vitest'
import { type FaultBed, isLong } from './fault-bed.js'
import { faultScene } from './fault-scene.js'
import { type Run, readRuns, runsById } from './run-ledger.js'
import { ends, submit } from './submit.js'
import { startWorker } from './worker-process.js'

const TASKS = isLong ? 10_000 : 300
const KILL_EVERY_MS = isLong ? 2000 : 1000
/** An outcome that was under way when the broker went down may be lost with it; its task then runs again. */
const AFTER_OUTAGE_MS = 15_000

/** Workers and the broker die while tasks run. */
export function stormFaults(bed: () => FaultBed): void {
  test('while workers are killed again and again and the broker is restarted, nothing is lost and nothing runs twice without cause', {
    timeout: isLong ? 800_000 : 400_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed(), { hasty: !isLong })
    const inputs = Array.from({ length: TASKS }, (_, n) =>
      n % 20 === 0 ? { ms: 20, end: 'dead' as const } : { ms: 20 },
    )
    const half = Math.floor(TASKS / 2)
    const ids = [...(await submit(tasks, task, inputs.slice(0, half)))]
    const killed = new Set<number>()
    const workers: TypescriptChild[] = await Promise.all([startWorker(place, ledger), startWorker(place, ledger)])
    let storming = true
    const storm = (async () => {
      while (storming) {
        await sleep(KILL_EVERY_MS)
        const victim = storming ? workers.shift() : undefined
        if (victim === undefined) return
        killed.add(victim.pid)
        await victim.close()
        workers.push(await startWorker(place, ledger))
      }
    })()
    const outage = { from: 0, to: 0 }
    const restart = (async () => {
      while (readRuns(ledger).length < TASKS / 4) await sleep(50)
      outage.from = Date.now()
      await bed().server.restart()
      outage.to = Date.now()
    })()
    ids.push(...(await submit(tasks, task, inputs.slice(half))))
    await restart
    const states = await ends(tasks, task, ids, isLong ? 600_000 : 300_000)
    storming = false
    await storm
    const runs = runsById(readRuns(ledger))
    const report = { tasks: ids.length, kills: killed.size, runs: readRuns(ledger).length, twice: 0, unexplained: 0 }
    for (const own of runs.values()) {
      report.twice += own.length - 1
      for (const [n, run] of own.slice(1).entries()) if (!excused(own[n], run)) report.unexplained += 1
    }
    if (isLong) console.log(place.kind, JSON.stringify(report))
    function excused(before: Run | undefined, after: Run): boolean {
      if (before === undefined) return false
      if (killed.has(before.pid)) return true
      return before.startedAt <= outage.to + AFTER_OUTAGE_MS && after.startedAt >= outage.from
    }

    expect(new Set(ids).size).toBe(TASKS)
    expect(killed.size).toBeGreaterThan(0)
    expect(ids.filter((id) => !states.has(id))).toEqual([])
    expect(ids.filter((id) => !runs.has(id))).toEqual([])
    const wrong = ids.filter((id, n) => states.get(id) !== (n % 20 === 0 ? 'dead' : 'completed'))
    expect(wrong).toEqual([])
    expect([...runs.keys()].filter((id) => !ids.includes(id))).toEqual([])
    expect(report.unexplained).toBe(0)

    for (const worker of workers) worker.signal('SIGTERM')
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(workers.map(() => ({ code: 0, signal: null })))
    await tasks.close()
  })
}
