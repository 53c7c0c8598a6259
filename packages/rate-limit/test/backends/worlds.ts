import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { freshPrefix, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { memcachedBackend } from '../../src/backends/memcached.js'
import { redisBackend } from '../../src/backends/redis.js'
import { memoryBackend } from '../../src/index.js'
import type { RateLimitBackend } from '../../src/rate-limit-backend.js'
import { FakeClock } from '../fake-clock.js'
import { memoryContents } from './memory-contents.js'
import { redisContents } from './redis-contents.js'

/** An empty backend that lives in a time of its own. */
export interface World {
  readonly backend: RateLimitBackend
  readonly clock: FakeClock
  /** All that it holds, byte for byte. */
  readonly contents: () => Promise<string>
}

/** A kind of backend, and how to make an empty one: cheap, so that every run of a property gets one of its own. */
export interface WorldKind {
  readonly name: 'memory' | 'redis' | 'redis cluster' | 'memcached'
  makeWorld(): World
}

/** Registers `body` for memory, Redis, Redis Cluster and Memcached, on real servers. */
export function describeEveryBackend(body: (kind: WorldKind) => void): void {
  describe('memory', () => {
    body({
      name: 'memory',
      makeWorld() {
        const clock = new FakeClock()
        const backend = memoryBackend({ clock })
        return { backend, clock, contents: async () => memoryContents(backend) }
      },
    })
  })
  describe('redis', () => {
    body(onRedis('redis', async () => ({ url: await sharedRedis() })))
  })
  describe('redis cluster', () => {
    body(onRedis('redis cluster', async () => ({ cluster: [new URL(await sharedRedisCluster()).host] })))
  })
  describe('memcached', () => body(onMemcached()))
}

function onRedis(
  name: 'redis' | 'redis cluster',
  target: () => Promise<{ readonly url: string } | { readonly cluster: readonly string[] }>,
): WorldKind {
  const connection = opened(async () => openRedis(await target()))
  return {
    name,
    makeWorld() {
      const clock = new FakeClock()
      const prefix = freshPrefix('rl')
      const backend = redisBackend(connection(), { prefix, clock })
      return { backend, clock, contents: () => redisContents(connection(), prefix) }
    },
  }
}

function onMemcached(): WorldKind {
  const connection = opened(async () => {
    const memcached = openMemcached({ servers: await sharedMemcached() })
    await memcached.whenReady()
    return memcached
  })
  return {
    name: 'memcached',
    makeWorld() {
      const clock = new FakeClock()
      const backend = memcachedBackend(connection(), { prefix: freshPrefix('rl'), clock })
      // a refusal is counted for an instant and taken back: contents cannot be compared, only what is said of them
      return { backend, clock, contents: async () => '' }
    },
  }
}

/** Opens what the tests of a `describe` share, and closes it after them. */
function opened<Part extends { close(): Promise<void> }>(open: () => Promise<Part>): () => Part {
  let part: Part | undefined
  beforeAll(async () => {
    part = await open()
  })
  afterAll(() => part?.close())
  return () => {
    if (part === undefined) throw new Error('not opened yet')
    return part
  }
}
