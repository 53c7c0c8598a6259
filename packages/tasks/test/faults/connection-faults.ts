import { setTimeout as sleep } from 'node:timers/promises'
import { type TcpProxy, tcpProxy } from '@plinth/testing'
import { expect, test } from 'vitest'
import type { BrokerPlace } from './broker-place.js'
import { eventually } from './eventually.js'
import { type FaultBed, isLong } from './fault-bed.js'
import { freshLedger } from './run-ledger.js'
import { serviceAt } from './service.js'
import { ends, submit } from './submit.js'
import { workTask } from './work.js'
import { startWorker } from './worker-process.js'

/** The way to the broker is cut, or not there yet; the broker itself is left in peace. */
export function connectionFaults(bed: () => FaultBed): void {
  test('a service starts while its broker is away: an enqueue fails at once, and workers begin when it is there', {
    timeout: 240_000,
  }, async () => {
    const place = await bed().place()
    const proxy = await tcpProxy(bed().server)
    await proxy.refuse()
    const ledger = freshLedger()
    const task = workTask(ledger)
    const tasks = serviceAt(through(proxy, place, bed()), task)
    const soon = { deadline: '1h' as const } // which nobody waits for
    await expect(tasks.enqueue(task, {}, soon)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    const worker = tasks.worker()
    await worker.start()
    expect(worker.state).toBe('running')
    await expect(tasks.open({ deadlineMs: 300 })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    for (let n = 0; n < 50; n += 1) {
      await expect(tasks.enqueue(task, {}, soon)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    }
    await proxy.pass()
    const [id = ''] = await submit(tasks, task, [{}])
    await tasks.handle(task, id).result({ timeout: '60s' })
    await proxy.refuse()
    await eventually(() => !tasks.available)
    await proxy.pass()
    const [later = ''] = await submit(tasks, task, [{}])
    await tasks.handle(task, later).result({ timeout: '60s' })
    await tasks.close()
    await proxy.close()
  })

  test('a worker process stays and works on after its broker was away at the start and once more later', {
    timeout: 240_000,
  }, async () => {
    const place = await bed().place()
    const proxy = await tcpProxy(bed().server)
    await proxy.refuse()
    const ledger = freshLedger()
    const task = workTask()
    const worker = await startWorker(through(proxy, place, bed()), ledger)
    const tasks = serviceAt(place, task)
    for (let round = 0; round < 2; round += 1) {
      await sleep(1500)
      await proxy.pass()
      const [id = ''] = await submit(tasks, task, [{}])
      expect(await ends(tasks, task, [id], 60_000)).toEqual(new Map([[id, 'completed']]))
      await proxy.refuse()
    }
    await sleep(500)
    worker.signal('SIGTERM') // while the broker is away once more
    expect(await worker.ended).toEqual({ code: 0, signal: null })
    await tasks.close()
    await proxy.close()
  })

  test('a connection that breaks at any moment while it is set up is made again', { timeout: 900_000 }, async () => {
    const moments = isLong ? Array.from({ length: 40 }, (_, n) => n * 250) : [0, 1200, 4000]
    for (const bytes of moments) {
      const place = await bed().place()
      const proxy = await tcpProxy(bed().server)
      const task = workTask()
      const tasks = serviceAt(through(proxy, place, bed()), task)
      await tasks.worker().start()
      const cutting = (async () => {
        await eventually(() => proxy.bytesSent >= bytes && proxy.accepted > 0, 2000).catch(() => {}) // fewer were needed
        proxy.cut()
      })()
      const [id = ''] = await submit(tasks, task, [{ failures: 1 }])
      await tasks.handle(task, id).result({ timeout: '60s' })
      await cutting
      await tasks.close()
      await proxy.close()
    }
  })
}

/** The same place, by way of a proxy. */
export function through(proxy: TcpProxy, place: BrokerPlace, { server }: Pick<FaultBed, 'server'>): BrokerPlace {
  return { ...place, url: place.url.replace(`${server.host}:${server.port}`, `${proxy.host}:${proxy.port}`) }
}
