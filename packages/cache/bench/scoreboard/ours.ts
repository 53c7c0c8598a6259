import { type Cache, createCache, memoryBackend, PatternMatchingNotSupportedError } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import type { Closable } from '@plinth/core'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { freshPrefix } from '@plinth/testing'
import type { Contender, Player, Setup } from './player.js'
import { type ClusterStages, memcachedStage, type OpenPlayer, redisStage } from './stages.js'

/** Outages are met with the defaults; everything else must be right however busy the machine is. */
const deadlineOf = (setup: Setup): { readonly deadline?: string } => (setup === 'plain' ? { deadline: '5s' } : {})

const onRedis =
  (kind: typeof redisBackend | typeof tieredBackend): OpenPlayer =>
  async (url, setup, prefix) => {
    const connection = await openRedis({ url, startTimeoutMs: setup === 'plain' ? 5_000 : 500 })
    const backend = kind(connection, deadlineOf(setup))
    return playerOf(createCache({ backend, prefix }), backend, connection)
  }

const onCluster =
  (kind: typeof redisBackend | typeof tieredBackend): OpenPlayer =>
  async (url, setup, prefix) => {
    const { hostname: host, port } = new URL(url)
    const cluster = [{ host, port: Number(port) }]
    const connection = await openRedis({ cluster, startTimeoutMs: setup === 'plain' ? 5_000 : 500 })
    const backend = kind(connection, deadlineOf(setup))
    return playerOf(createCache({ backend, prefix }), backend, connection)
  }

const onMemcached: OpenPlayer = async (servers, setup, prefix) => {
  const connection = openMemcached({ servers })
  if (setup === 'plain') await connection.whenReady()
  return playerOf(createCache({ backend: memcachedBackend(connection, deadlineOf(setup)), prefix }), connection)
}

/** Ours on each of its backends. */
export function ourContenders(clusters: ClusterStages): readonly Contender[] {
  return [
    {
      name: 'memory',
      stage: async () => {
        const backend = memoryBackend()
        const prefix = freshPrefix('board')
        return {
          open: async () => playerOf(createCache({ backend, prefix })),
          foreign: async () => {
            const other = createCache({ backend, prefix: 'somebody-else' })
            await other.set('k', 'here')
            return () => other.has('k')
          },
          close: () => backend.close(),
        }
      },
    },
    { name: 'redis', stage: () => redisStage(onRedis(redisBackend)) },
    { name: 'cluster', stage: () => clusters.stage(onCluster(redisBackend)) },
    { name: 'memcached', stage: () => memcachedStage(onMemcached) },
    { name: 'tiered', stage: () => redisStage(onRedis(tieredBackend)) },
  ]
}

function playerOf(cache: Cache, ...parts: readonly Closable[]): Player {
  let functions = 0
  return {
    read: (key, compute) => cache.getOrSet(key, compute),
    remove: (key) => cache.delete(key),
    clear: () => cache.clear(),
    removeMatching: async (pattern) => {
      try {
        return await cache.deleteMatching(pattern)
      } catch (error) {
        if (error instanceof PatternMatchingNotSupportedError) return 'not supported'
        throw error
      }
    },
    tagged: (tag) => ({
      read: (key, compute) => cache.getOrSet(key, compute, { tags: [tag] }),
      invalidate: () => cache.invalidateTags(tag),
    }),
    below: (prefix) => ({
      read: (key, compute) => cache.getOrSet(`${prefix}:${key}`, compute),
      invalidate: () => cache.deleteByPrefix(prefix),
    }),
    cached: (compute) => {
      const name = `f${++functions}`
      const one = cache.define(`${name}:{a}`, {}, ({ a }: { a: string }) => compute(a))
      const two = cache.define(`${name}:{a}:{b}`, {}, ({ a, b }: { a: string; b: string }) => compute(a, b))
      return async (a = '', b) => (b === undefined ? one({ a }) : two({ a, b }))
    },
    close: () => Promise.all([cache, ...parts].map((part) => part.close())),
  }
}
