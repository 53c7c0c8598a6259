import { setTimeout as sleep } from 'node:timers/promises'
import { closeWithFile, tcpProxy } from '@plinth/testing'
import { expect, test } from 'vitest'
import { createTasks, EnqueueUnknownError } from '../../src/index.js'
import { brokerAt } from './broker-place.js'
import { through } from './connection-faults.js'
import { eventually } from './eventually.js'
import { type FaultBed, isLong } from './fault-bed.js'
import { freshLedger, readRuns, runsById } from './run-ledger.js'
import { serviceAt } from './service.js'
import { ends, submit } from './submit.js'
import { tickTask } from './tick-task.js'
import { workTask } from './work.js'
import { startWorker } from './worker-process.js'

/**
 * When a delayed task has started at the latest, after a kill: what the server was passing on to its lane that very moment
 * and got no confirm for, it passes on again after three minutes.
 */
const LATEST_MS = 240_000

/** The broker is killed or frozen: nothing else can be tested on it meanwhile. `freshBed` is for what only a new server shows. */
export function outageFaults(bed: () => FaultBed, freshBed: () => Promise<FaultBed>): void {
  // The first of its file: a server that has been used is none that was just set up.
  test('what is confirmed by a server that was just set up survives its kill, and all processes agree again afterwards', {
    timeout: 400_000,
  }, async () => {
    const place = await bed().place()
    const ledger = freshLedger()
    const task = workTask(ledger)
    const services = [serviceAt(place, task), serviceAt(place, task)] as const
    const [one, other] = services
    await Promise.all(services.map((service) => service.open({ deadlineMs: 20_000 })))
    const ids = [...(await submit(one, task, Array(20).fill({})))]
    const later = Array.from({ length: 20 }, (_, n) => ({ input: {}, options: { delay: 1000 * 2 ** (n % 4) } }))
    ids.push(...(await one.enqueueMany(task, later)).map(({ handle }) => handle?.id ?? ''))
    const keyed = one.enqueue(task, {}, { idempotencyKey: 'early' }).catch(() => undefined)
    await bed().server.kill()
    const early = await keyed
    await bed().server.restart()
    const again = async (): Promise<readonly string[]> => {
      const handles = services.map((service) => service.enqueue(task, {}, { idempotencyKey: 'early', deadline: '20s' }))
      return (await Promise.all(handles)).map(({ id }) => id)
    }
    await eventually(() => one.available && other.available)
    const agreed = await again()
    expect(new Set([...agreed, ...(early === undefined ? [] : [early.id])]).size).toBe(1)
    ids.push(...new Set(agreed))
    await other.worker().start()
    const states = await ends(one, task, ids, LATEST_MS)
    expect(ids.map((id) => states.get(id))).toEqual(ids.map(() => 'completed'))
    expect(readRuns(ledger)).toHaveLength(ids.length)
    await Promise.all(services.map((service) => service.close()))
  })

  test('delayed tasks survive the kill of the broker, and none starts early', { timeout: 400_000 }, async () => {
    const place = await bed().place()
    const ledger = freshLedger()
    const task = workTask()
    const tasks = serviceAt(place, task)
    const count = isLong ? 1000 : 200
    const dueAt = new Map<string, number>()
    const batch = Array.from({ length: count }, (_, n) => {
      const at = Date.now() + 3000 + (n % 20) * 100
      return { input: {}, options: { at } }
    })
    for (const [n, { handle }] of (await tasks.enqueueMany(task, batch, { deadline: '60s' })).entries()) {
      dueAt.set(handle?.id ?? '', batch[n]?.options.at ?? 0)
    }
    expect(dueAt.size).toBe(count)
    await bed().server.kill()
    await bed().server.restart()
    const worker = await startWorker(place, ledger)
    const states = await ends(tasks, task, [...dueAt.keys()], LATEST_MS)
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

  test('a server that is killed while it is set up is used as soon as it is back', { timeout: 900_000 }, async () => {
    // From 1500 bytes on the queues of a worker are declared, or those of the delays and the schedules.
    for (const bytes of isLong ? [300, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7500, 9000] : [2000]) {
      const { server, place: newPlace } = isLong ? await freshBed() : bed()
      const place = await newPlace()
      const proxy = await tcpProxy(server)
      const task = workTask()
      const slots: string[] = []
      const tick = tickTask(slots)
      const tasks = createTasks({ broker: brokerAt(through(proxy, place, { server })), tasks: [task, tick] })
      closeWithFile(() => tasks.close({ deadline: '1s' }))
      tasks.schedule('tick', { every: '1s' }, tick)
      await tasks.worker().start()
      const submitted = submit(tasks, task, [{ failures: 1 }])
      await eventually(() => proxy.bytesSent >= bytes, 5000).catch(() => {}) // fewer were needed
      await server.kill()
      await server.restart()
      const back = performance.now()
      const [id = ''] = await submitted
      await tasks.handle(task, id).result({ timeout: '60s' })
      await eventually(() => slots.length > 0)
      if (isLong)
        console.log(
          place.kind,
          JSON.stringify({ killedAfterBytes: bytes, usedAfterMs: Math.round(performance.now() - back) }),
        )
      await tasks.close()
      await proxy.close()
      if (isLong) await server.close()
    }
  })
}
