import KeyvRedis, { createKeyvNonBlocking, Keyv } from '@keyv/redis'
import { createCache as createDedupe } from 'async-cache-dedupe'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { createCache as createManager } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Cluster, Redis } from 'ioredis'
import { GroupLoader, Loader, RedisCache, RedisGroupCache } from 'layered-loader'
import type { Compute, Contender, Player } from './player.js'
import { type ClusterStages, type OpenPlayer, redisStage } from './stages.js'

const HOUR = 3_600_000

/** A peer: the packages whose versions are shown, and how it is opened. */
export interface Peer {
  readonly packages: readonly string[]
  readonly open: OpenPlayer
  readonly openOnCluster: OpenPlayer
}

/** What a library loads is named where it is defined: a table tells it what to load for a key. */
class Computes {
  readonly #byKey = new Map<string, Compute>()

  for(key: string, compute: Compute): string {
    this.#byKey.set(key, compute)
    return key
  }

  run(key: string): unknown {
    return this.#byKey.get(key)?.()
  }
}

function place(url: string): { readonly host: string; readonly port: number } {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port) }
}

function quiet<Client extends { on(event: 'error', listener: () => void): unknown }>(client: Client): Client {
  client.on('error', () => {})
  return client
}

function bento(cache: BentoCache<never>): Player {
  return {
    read: (key, factory) => cache.getOrSet({ key, factory, ttl: '1h' }),
    remove: (key) => cache.delete({ key }),
    clear: () => cache.clear(),
    tagged: (tag) => ({
      read: (key, factory) => cache.getOrSet({ key, factory, ttl: '1h', tags: [tag] }),
      invalidate: () => cache.deleteByTag({ tags: [tag] }),
    }),
    below: (prefix) => {
      const namespace = cache.namespace(prefix)
      return {
        read: (key, factory) => namespace.getOrSet({ key, factory, ttl: '1h' }),
        invalidate: () => namespace.clear(),
      }
    },
    close: () => cache.disconnectAll(),
  }
}

const bentocache: Peer = {
  packages: ['bentocache'],
  open: async (url, setup, prefix) => {
    const far = redisDriver({ connection: quiet(new Redis(place(url))), prefix })
    const options = { suppressL2Errors: true, l2CircuitBreakerDuration: '30s' } as const
    const store =
      setup === 'plain'
        ? bentostore().useL2Layer(far)
        : bentostore(options)
            .useL1Layer(memoryDriver({ maxItems: 1_000 }))
            .useL2Layer(far)
            .useBus(redisBusDriver({ connection: quiet(new Redis(place(url))) as never }))
    return bento(new BentoCache({ default: 'one', stores: { one: store } }) as unknown as BentoCache<never>)
  },
  openOnCluster: async (url, _setup, prefix) => {
    const connection = quiet(new Cluster([place(url)]))
    const store = bentostore().useL2Layer(redisDriver({ connection, prefix }))
    return bento(new BentoCache({ default: 'one', stores: { one: store } }) as unknown as BentoCache<never>)
  },
}

function cacheableOf(cache: Cacheable): Player {
  let functions = 0
  cache.on('error', () => {})
  return {
    read: (key, compute) => cache.getOrSet(key, async () => compute(), { ttl: HOUR }),
    remove: (key) => cache.delete(key),
    clear: () => cache.clear(),
    tagged: (tag) => ({
      read: async (key, compute) => {
        const found = await cache.get(key)
        if (found !== undefined) return found
        const value = await compute()
        await cache.set(key, value, { ttl: HOUR, tags: [tag] })
        return value
      },
      invalidate: () => cache.tags.invalidateTag(tag),
    }),
    cached: (compute) =>
      cache.wrap(async (...texts: readonly string[]) => compute(...texts), { ttl: HOUR, keyPrefix: `f${++functions}` }),
    close: () => cache.disconnect(),
  }
}

const cacheable: Peer = {
  packages: ['cacheable', '@keyv/redis'],
  open: async (url, setup, prefix) =>
    cacheableOf(
      setup === 'plain'
        ? new Cacheable({ primary: new KeyvRedis(url, { namespace: prefix }), namespace: prefix, tags: true })
        : new Cacheable({ secondary: createKeyvNonBlocking(url), nonBlocking: true }),
    ),
  openOnCluster: async (url, _setup, prefix) => {
    const store = new KeyvRedis({ rootNodes: [{ url }] }, { namespace: prefix })
    return cacheableOf(new Cacheable({ primary: store, namespace: prefix, tags: true }))
  },
}

function managerOf(stores: Keyv[], nonBlocking: boolean): Player {
  const cache = createManager({ stores: stores.map(quiet), ttl: HOUR, nonBlocking })
  return {
    read: (key, compute) => cache.wrap(key, () => compute()),
    remove: (key) => cache.del(key),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  }
}

const cacheManager: Peer = {
  packages: ['cache-manager'],
  open: async (url, setup, namespace) =>
    setup === 'plain'
      ? managerOf([new Keyv(new KeyvRedis(url), { namespace, useKeyPrefix: false })], false)
      : managerOf([new Keyv(), createKeyvNonBlocking(url)], true),
  openOnCluster: async (url, _setup, namespace) => {
    const store = new KeyvRedis({ rootNodes: [{ url }] })
    return managerOf([new Keyv(store, { namespace, useKeyPrefix: false })], false)
  },
}

function dedupeOf(client: Redis | Cluster, defined: string): Player {
  const computes = new Computes()
  const storage = { type: 'redis', options: { client, invalidation: { referencesTTL: 3_600 } } } as const
  const cache = createDedupe({ ttl: 3_600, storage: storage as never })
  let functions = 0
  const withReference = (reference: (key: string) => string) => {
    const name = `${defined}${++functions}`
    const table = cache.define(name, { references: (key: string) => [reference(key)] }, async (key: string) =>
      computes.run(key),
    ) as unknown as Record<string, (key: string) => Promise<unknown>>
    return {
      name,
      read: (key: string, compute: Compute) => table[name]?.(computes.for(key, compute)) as Promise<unknown>,
    }
  }
  const plain = withReference((key) => key)
  return {
    read: plain.read,
    remove: (key) => cache.clear(plain.name, key),
    clear: () => cache.clear(),
    removeMatching: (pattern) => cache.invalidateAll(pattern),
    tagged: (tag) => ({ read: withReference(() => tag).read, invalidate: () => cache.invalidateAll(tag) }),
    below: (prefix) => ({
      read: withReference((key) => `${prefix}:${key}`).read,
      invalidate: () => cache.invalidateAll(`${prefix}:*`),
    }),
    cached: (compute) => {
      const name = `${defined}${++functions}`
      const table = cache.define(name, async (texts: readonly string[]) => compute(...texts)) as unknown as Record<
        string,
        (texts: readonly string[]) => Promise<unknown>
      >
      return (...texts) => table[name]?.(texts) as Promise<unknown>
    },
    close: async () => client.disconnect(),
  }
}

const asyncCacheDedupe: Peer = {
  packages: ['async-cache-dedupe'],
  open: async (url, _setup, prefix) => dedupeOf(quiet(new Redis(url)), prefix),
  openOnCluster: async (url, _setup, prefix) => dedupeOf(quiet(new Cluster([place(url)])), prefix),
}

function layeredOf(client: Redis | Cluster, prefix: string): Player {
  const computes = new Computes()
  const options = { prefix, json: true, ttlInMsecs: HOUR, timeoutInMsecs: 500 }
  const run = async (key: string): Promise<unknown> => computes.run(key)
  const loader = new Loader<unknown>({ asyncCache: new RedisCache<unknown>(client, options), dataSourceGetOneFn: run })
  const groups = new GroupLoader<unknown>({
    asyncCache: new RedisGroupCache<unknown>(client, { ...options, prefix: `${prefix}-groups` }),
    dataSources: [{ name: 'compute', getFromGroup: run, getManyFromGroup: () => Promise.reject(new Error('unused')) }],
  })
  const group = (name: string) => ({
    read: (key: string, compute: Compute) => groups.get(computes.for(key, compute), name),
    invalidate: () => groups.invalidateCacheForGroup(name),
  })
  return {
    read: (key, compute) => loader.get(computes.for(key, compute)),
    remove: (key) => loader.invalidateCacheFor(key),
    clear: () => loader.invalidateCache(),
    tagged: group,
    below: group,
    close: async () => client.disconnect(),
  }
}

const layeredLoader: Peer = {
  packages: ['layered-loader'],
  open: async (url, _setup, prefix) => layeredOf(quiet(new Redis(url)), prefix),
  openOnCluster: async (url, _setup, prefix) => layeredOf(quiet(new Cluster([place(url)])), prefix),
}

/** The libraries that ours is shown beside, by name. */
export const peers: Readonly<Record<string, Peer>> = {
  bentocache,
  cacheable,
  'cache-manager': cacheManager,
  'async-cache-dedupe': asyncCacheDedupe,
  'layered-loader': layeredLoader,
}

/** Each peer on a Redis of its own; on the cluster for what is asked of clusters. */
export function peerContenders(clusters: ClusterStages, where: 'redis' | 'cluster'): readonly Contender[] {
  return Object.entries(peers).map(([name, { open, openOnCluster }]) => ({
    name,
    stage: () => (where === 'redis' ? redisStage(open) : clusters.stage(openOnCluster)),
  }))
}
