import { type CacheBackend, type CacheStore, memoryBackend } from '@plinth/cache'
import { type CacheBackendFixture, cacheBackendChecks } from '@plinth/cache/conformance'
import { registerSabotage } from '@plinth/testing'

/** Breaks a store: gives the methods that differ from those of the store it is given. */
type Break = (store: CacheStore) => Partial<CacheStore>

function broken(change: Break): () => CacheBackendFixture {
  return () => {
    let now = 1_000
    const sound = memoryBackend({ clock: { now: () => Date.now(), elapsed: () => now } })
    const stores = new Map<string, CacheStore>()
    const open = (namespace: string): CacheStore => {
      const store = stores.get(namespace) ?? breakStore(sound.open(namespace), change)
      stores.set(namespace, store)
      return store
    }
    const backend: CacheBackend = { ...asPlain(sound), open }
    const elapse = async (ms: number): Promise<void> => {
      now += ms
    }
    return { backend, other: backend, namespace: 'test', elapse }
  }
}

function asPlain(sound: CacheBackend): Omit<CacheBackend, 'open'> {
  return {
    name: sound.name,
    available: true,
    ping: () => sound.ping(),
    onChange: (listener) => sound.onChange(listener),
    close: () => sound.close(),
  }
}

function breakStore(store: CacheStore, change: Break): CacheStore {
  const changes = change(store)
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? value.bind(name in changes ? changes : target) : value
    },
  })
}

const at = (key: string) => ({ key, guards: [] })

registerSabotage(cacheBackendChecks, {
  'finds something everywhere': broken((store) => ({
    remove: async (keys) => (await store.remove(keys)) || keys.length,
  })),
  'forgets heads and formats': broken((store) => ({
    read: async (address, part) => {
      const entry = await store.read(address, part)
      return entry && { ...entry, head: undefined, format: 0 }
    },
  })),
  'reads bodies as text': broken((store) => ({
    read: async (address, part) => {
      const entry = await store.read(address, part)
      return entry && { ...entry, body: String(entry.body) }
    },
  })),
  'keeps the first value': broken((store) => ({
    write: async (address, entry, condition) => store.write(address, entry, condition ?? 'absent'),
  })),
  'never expires': broken((store) => ({
    write: (address, entry, condition) => store.write(address, { ...entry, staleMs: 1e9, graceMs: 1e9 }, condition),
    increment: (address, by, life) => store.increment(address, by, { ...life, graceMs: 1e9 }),
  })),
  'ignores conditions': broken((store) => ({ write: (address, entry) => store.write(address, entry) })),
  'ignores keys to remove': broken(() => ({ remove: async (keys) => keys.length })),
  'takes without removing': broken((store) => ({ take: (address) => store.read(address) })),
  'does not touch': broken((store) => ({ touch: async (address) => (await store.read(address)) !== undefined })),
  'mixes namespaces': (() => {
    const make = broken(() => ({}))
    return () => {
      const fixture = make()
      const one = fixture.backend.open('one')
      const backend = { ...fixture.backend, open: () => one }
      return { ...fixture, backend, other: backend }
    }
  })(),
  'explains nothing': broken(() => ({ inspect: async () => ({ state: 'absent', leased: false, changed: [] }) })),
  'loses its memory when verified': broken((store) => ({
    verify: async () => {
      await store.stamp(['n'])
      return false
    },
  })),
  'ignores stamps': broken(() => ({ stamp: async () => {} })),
  'stamps everything': broken((store) => ({ stamp: (guards) => store.stamp([...guards, 'n', 't:x', 't:new']) })),
  'stamps the future too': broken((store) => {
    const stamped = new Set<string>()
    return {
      stamp: async (guards) => {
        for (const guard of guards) stamped.add(guard)
        await store.stamp(guards)
      },
      read: async (address, part) => {
        const entry = await store.read(address, part)
        return entry?.guards.some((guard) => stamped.has(guard)) ? undefined : entry
      },
    }
  }),
  "believes its readers' guards": broken((store) => ({
    write: (address, entry, condition) =>
      store.write({ ...address, guards: address.guards.slice(0, 1) }, entry, condition),
  })),
  'ignores guards found out late': broken((store) => ({
    claim: async (address, request) => {
      const { entry, lease } = await store.claim(address, request)
      if (lease === undefined) return { entry, lease }
      return { entry, lease: { ...asLease(lease), fill: (filled) => lease.fill({ ...filled, extraGuards: [] }) } }
    },
  })),
  'gives a lease to everybody': broken((store) => ({
    claim: (address, request) => store.claim(address, { ...request, mode: 'steal' }),
  })),
  'gives a lease to nobody': broken((store) => ({
    claim: async (address) => ({ entry: await store.read(address), lease: undefined }),
  })),
  'stores late fills': broken((store) => ({
    claim: async (address, request) => {
      const { entry, lease } = await store.claim(address, request)
      return { entry, lease: lease && { ...asLease(lease), fill: (filled) => store.write(address, filled) } }
    },
  })),
  'keeps leases for ever': broken((store) => ({
    claim: (address, request) => store.claim(address, { ...request, leaseMs: 1e9 }),
  })),
  'does not renew': broken((store) => ({
    claim: async (address, request) => {
      const { entry, lease } = await store.claim(address, request)
      return { entry, lease: lease && { ...asLease(lease), renew: async () => true } }
    },
  })),
  'says that it gave back what it keeps': broken((store) => ({
    claim: async (address, request) => {
      const { entry, lease } = await store.claim(address, request)
      return { entry, lease: lease && { ...asLease(lease), release: async () => true } }
    },
  })),
  'wakes nobody': broken(() => ({ settled: () => new Promise(() => {}) })),
  'takes a lease for an entry': broken((store) => {
    const leased = new Set<string>()
    return {
      claim: (address, request) => {
        leased.add(address.key)
        return store.claim(address, request)
      },
      remove: async (keys) => (await store.remove(keys)) + keys.filter((key) => leased.has(key)).length,
    }
  }),
  'counts one after the other looked': broken((store) => ({
    increment: async (address, by, life) => {
      const entry = await store.read(at(address.key))
      await Promise.resolve()
      const sum = (typeof entry?.body === 'number' ? entry.body : 0) + by
      await store.write(address, { ...life, body: sum, size: 8, format: 0, costMs: 0, peekMs: 0 })
      return sum
    },
  })),
  'counts from one': broken((store) => ({
    increment: async (address, by, life) => (await store.increment(address, by, life)) + 1,
  })),
  'peeks at what it saw once': broken((store) => {
    const seen = new Map<string, unknown>()
    return {
      peek: (key) => {
        const body = seen.get(key) ?? store.peek?.(key)
        seen.set(key, body)
        return body
      },
    }
  }),
  'peeks at what is stale': broken((store) => ({
    write: (address, entry, condition) => store.write(address, { ...entry, peekMs: 1e9 }, condition),
  })),
  'peeks at late fills': broken((store) => {
    const late = new Map<string, unknown>()
    return {
      claim: async (address, request) => {
        const { entry, lease } = await store.claim(address, request)
        if (lease === undefined) return { entry, lease }
        const fill: typeof lease.fill = (filled) => {
          late.set(address.key, filled.body)
          return lease.fill(filled)
        }
        return { entry, lease: { ...asLease(lease), fill } }
      },
      peek: (key) => late.get(key) ?? store.peek?.(key),
    }
  }),
  'sweeps nothing': broken(() => ({ sweep: async () => 0 })),
  'sweeps without ending leases, and without end': broken((store) => ({
    sweep: async (matcher, options) => {
      const keys = ['user:1', 'a'].filter((key) => matcher.matches(key))
      const found = await Promise.all(keys.map((key) => store.read(at(key))))
      return options.dryRun ? found.filter(Boolean).length : found.length
    },
  })),
})

/** A lease as a plain object, so that parts of it can be replaced. */
function asLease(lease: NonNullable<Awaited<ReturnType<CacheStore['claim']>>['lease']>): typeof lease {
  return {
    fill: (entry) => lease.fill(entry),
    renew: (leaseMs) => lease.renew(leaseMs),
    release: () => lease.release(),
  }
}
