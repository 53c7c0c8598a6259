import { setTimeout as sleep } from 'node:timers/promises'
import { tcpProxy } from '@plinth/testing'
import { expect, test } from 'vitest'
import { EnqueueUnknownError } from '../../src/index.js'
import { through } from './connection-faults.js'
import { eventually } from './eventually.js'
import { type FaultBed, isLong } from './fault-bed.js'
import { freshLedger, readRuns, runsById } from './run-ledger.js'
import { serviceAt } from './service.js'
import { ends, submit } from './submit.js'
import { workTask } from './work.js'
import { startWorker } from './worker-process.js'

/** How long a server is left alone before it is killed: RabbitMQ 3.10 does not find a stream again that was a second old. */
const SETTLE_MS = { redis: 0, rabbitmq: 5000 }

/** The broker is killed or frozen: nothing else can be tested on it meanwhile. */
export function outageFaults(bed: () => FaultBed): void {
  test('delayed tasks survive the kill of the broker, and none starts early', { timeout: 180_000 }, async () => {
    const place = await bed().place()
    const ledger = freshLedger()
    const task = workTask()
    const tasks = serviceAt(place, task)
    const count = isLong ? 1000 : 200
    const dueAt = new Map<string, number>()
    const batch = Array.from({ length: count }, (_, n) => {
      const at = Date.now() + SETTLE_MS[place.kind] + 3000 + (n % 20) * 100
      return { input: {}, options: { at, id: `due-${n}` } }
    })
    for (const [n, { handle }] of (await tasks.enqueueMany(task, batch)).entries()) {
      dueAt.set(handle?.id ?? '', batch[n]?.options.at ?? 0)
    }
    expect(dueAt.size).toBe(count)
    await sleep(SETTLE_MS[place.kind])
    await bed().server.kill()
    await bed().server.restart()
    const worker = await startWorker(place, ledger)
    const states = await ends(tasks, task, [...dueAt.keys()], 120_000)
    expect([...states.values()].filter((state) => state === 'completed')).toHaveLength(count)
    const runs = readRuns(ledger)
    expect(runs.filter(({ id, startedAt }) => startedAt < (dueAt.get(id) ?? 0))).toEqual([])
    if (isLong) console.log(place.kind, JSON.stringify({ delayed: count, runs: runs.length }))
    expect(runsById(runs).size).toBe(count)
    await worker.close()
    await tasks.close()
  })

  test('while the broker is frozen an enqueue answers "unknown" within its deadline; sent again it runs once', {
    timeout: 180_000,
  }, async () => {
    const place = await bed().place()
    const ledger = freshLedger()
    const task = workTask(ledger)
    const tasks = serviceAt(place, task)
    await tasks.enqueue(task, {}) // the connection is warm
    await bed().server.freeze()
    const began = performance.now()
    const unknown: unknown[] = await Promise.all(
      [1, 2, 3].map(() => tasks.enqueue(task, {}, { deadline: '400ms' }).catch((error: unknown) => error)),
    )
    const tookMs = performance.now() - began
    await bed().server.thaw()
    const again = unknown.map((error) => (error instanceof EnqueueUnknownError ? error.id : String(error)))
    expect(unknown.map((error) => error instanceof EnqueueUnknownError)).toEqual([true, true, true])
    expect(tookMs).toBeLessThan(10_000)
    for (const id of again) {
      const enqueued = (): Promise<boolean> =>
        tasks.enqueue(task, {}, { id }).then(
          () => true,
          () => false,
        )
      await eventually(enqueued)
    }
    await tasks.worker().start()
    await ends(tasks, task, again, 60_000)
    await sleep(300)
    expect(again.map((id) => runsById(readRuns(ledger)).get(id)?.length)).toEqual([1, 1, 1])
    await tasks.close()
  })

  if (!isLong) return
  test('a broker that is killed while it is set up is used as soon as it is back', { timeout: 300_000 }, async () => {
    for (const bytes of [300, 1500, 4000]) {
      const place = await bed().place()
      const proxy = await tcpProxy(bed().server)
      const task = workTask()
      const tasks = serviceAt(through(proxy, place, bed()), task)
      await tasks.worker().start()
      const first = submit(tasks, task, [{ failures: 1 }])
      await eventually(() => proxy.bytesSent >= bytes, 5000).catch(() => {}) // fewer were needed
      await bed().server.kill()
      await bed().server.restart()
      const [id = ''] = await first
      await tasks.handle(task, id).result({ timeout: '60s' })
      await tasks.close()
      await proxy.close()
    }
  })
}
