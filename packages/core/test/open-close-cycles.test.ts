import { freshRedis, growthOver, leakCheck, startMemcached } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openMemcached } from '../src/memcached/index.js'
import { createRedisHub, openRedis } from '../src/redis/index.js'

leakCheck()

const CYCLES = process.env.PLINTH_LONG === '1' ? 1_000 : 60
const NOTHING = { handles: {}, timers: [], listeners: 0 }

test('opening and closing Redis with all its clients leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await freshRedis()
  const grown = await growthOver(CYCLES, async () => {
    const redis = await openRedis({ url: server.url, poolSize: 2 })
    redis.onChange(() => {})
    await Promise.all([
      redis.subscriber().subscribe('news'),
      redis.blocking().ping(),
      redis.run((client) => client.ping()),
    ])
    await redis.close()
  })
  expect(grown).toMatchObject(NOTHING)
  expect(grown.heapMb).toBeLessThan(20)
  await expect.poll(async () => String(await server.command('INFO', 'clients'))).toMatch(/connected_clients:1\b/)
})

test('a hub whose leases come and go against a dead server leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await freshRedis()
  await server.kill()
  const hub = createRedisHub()
  onTestFinished(() => hub.close())
  const grown = await growthOver(CYCLES, async () => {
    const lease = hub.lease({ url: server.url })
    await lease.whenReady({ timeoutMs: 5 })
    await lease.close()
  })
  expect(grown).toMatchObject(NOTHING)
  expect(hub.pools()).toEqual([])
})

test('opening and closing Memcached leaves nothing behind', { timeout: 120_000 }, async () => {
  const server = await startMemcached()
  onTestFinished(() => server.close())
  const grown = await growthOver(CYCLES, async () => {
    const memcached = openMemcached({ servers: server.url })
    await memcached.whenReady()
    await memcached.set('a', '1', 1_000)
    await memcached.close()
  })
  expect(grown).toMatchObject(NOTHING)
  expect(grown.heapMb).toBeLessThan(20)
})
