import { freshRedis, leakCheck, startMemcached } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openMemcached } from '../src/memcached/index.js'
import { createRedisHub, openRedis } from '../src/redis/index.js'

leakCheck()

const CYCLES = process.env.PLINTH_LONG === '1' ? 1_000 : 60

/** What must not grow from cycle to cycle: handles and timers of this process, and listeners on it. */
function held(): number {
  const listeners = process.eventNames().map((event) => process.listenerCount(event))
  return process.getActiveResourcesInfo().length + listeners.reduce((sum, count) => sum + count, 0)
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300))
}

/** Runs the cycles, and answers by how much what is held, and the heap, have grown between the middle and the end. */
async function growth(cycle: () => Promise<void>): Promise<{ readonly held: number; readonly heapMb: number }> {
  const heap = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  for (let count = 0; count < CYCLES / 2; count += 1) await cycle()
  await settled()
  const [heldBefore, heapBefore] = [held(), heap()]
  for (let count = 0; count < CYCLES / 2; count += 1) await cycle()
  await settled()
  return { held: held() - heldBefore, heapMb: (heap() - heapBefore) / 1024 / 1024 }
}

test('opening and closing Redis with all its clients leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await freshRedis()
  const grown = await growth(async () => {
    const redis = await openRedis({ url: server.url, poolSize: 2 })
    redis.onChange(() => {})
    await Promise.all([
      redis.subscriber().subscribe('news'),
      redis.blocking().ping(),
      redis.run((client) => client.ping()),
    ])
    await redis.close()
  })
  expect(grown.held).toBeLessThanOrEqual(2)
  expect(grown.heapMb).toBeLessThan(20)
  await expect.poll(async () => String(await server.command('INFO', 'clients'))).toMatch(/connected_clients:1\b/)
})

test('a hub whose leases come and go against a dead server leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await freshRedis()
  await server.kill()
  const hub = createRedisHub()
  onTestFinished(() => hub.close())
  const grown = await growth(async () => {
    const lease = hub.lease({ url: server.url })
    await lease.whenReady({ timeoutMs: 5 })
    await lease.close()
  })
  expect(grown.held).toBeLessThanOrEqual(2)
  expect(hub.pools()).toEqual([])
})

test('opening and closing Memcached leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await startMemcached()
  onTestFinished(() => server.close())
  const grown = await growth(async () => {
    const memcached = openMemcached({ servers: server.url })
    await memcached.whenReady()
    await memcached.set('a', '1', 1_000)
    await memcached.close()
  })
  expect(grown.held).toBeLessThanOrEqual(2)
  expect(grown.heapMb).toBeLessThan(20)
})
