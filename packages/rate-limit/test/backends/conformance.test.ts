import { setTimeout as sleep } from 'node:timers/promises'
import { type MemcachedConnection, openMemcached } from '@plinth/core/memcached'
import { openRedis, type RedisConnection } from '@plinth/core/redis'
import {
  freshPrefix,
  leakCheck,
  registerChecks,
  sharedMemcached,
  sharedRedis,
  sharedRedisCluster,
} from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { memcachedBackend } from '../../src/backends/memcached.js'
import { redisBackend } from '../../src/backends/redis.js'
import { rateLimitBackendChecks } from '../../src/conformance/index.js'
import { memoryBackend } from '../../src/index.js'
import { FakeClock } from '../fake-clock.js'
import { redisContents } from './redis-contents.js'

leakCheck()

const every = ['fixed', 'sliding', 'gcra', 'strict', 'concurrency'] as const

describe('memory', () => {
  registerChecks(rateLimitBackendChecks, () => {
    const clock = new FakeClock()
    const backend = memoryBackend({ clock })
    return { backend, algorithms: every, elapse: async (ms) => clock.advance(ms) }
  })
})

describe('redis', () => {
  let redis: RedisConnection
  beforeAll(async () => {
    redis = await openRedis({ url: await sharedRedis() })
  })
  afterAll(() => redis.close())
  registerChecks(rateLimitBackendChecks, () => {
    const clock = new FakeClock()
    const prefix = freshPrefix('rl')
    const backend = redisBackend(redis, { prefix, clock })
    const snapshot = () => redisContents(redis, prefix)
    return { backend, algorithms: every, elapse: async (ms) => clock.advance(ms), snapshot }
  })
})

describe('redis cluster', () => {
  let cluster: RedisConnection
  beforeAll(async () => {
    cluster = await openRedis({ cluster: [new URL(await sharedRedisCluster()).host] })
  })
  afterAll(() => cluster.close())
  registerChecks(rateLimitBackendChecks, () => {
    const clock = new FakeClock()
    const prefix = freshPrefix('rl')
    const backend = redisBackend(cluster, { prefix, clock })
    const snapshot = () => redisContents(cluster, prefix)
    return { backend, algorithms: every, elapse: async (ms) => clock.advance(ms), snapshot }
  })
})

describe('memcached', () => {
  let memcached: MemcachedConnection
  beforeAll(async () => {
    const connection = openMemcached({ servers: await sharedMemcached() })
    memcached = connection
    await connection.whenReady()
  })
  afterAll(() => memcached.close())
  registerChecks(rateLimitBackendChecks, () => {
    const clock = new FakeClock()
    const backend = memcachedBackend(memcached, { prefix: freshPrefix('rl'), clock })
    const algorithms = ['fixed', 'sliding', 'strict', 'concurrency'] as const
    return { backend, algorithms, elapse: async (ms) => clock.advance(ms), age: (ms) => sleep(ms) }
  })
})
