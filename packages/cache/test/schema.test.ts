import { type Cache, type CacheBackend, CacheOptionError, createCache, memoryBackend } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshPrefix, sharedRedis } from '@plinth/testing'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it, vi } from 'vitest'

interface User {
  readonly name: string
  readonly role: string
}

/** Asks for a name, and gives a role where there is none. */
const schema: StandardSchemaV1<unknown, User> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      if (typeof value !== 'object' || value === null || !('name' in value)) return { issues: [{ message: 'no name' }] }
      return { value: { name: String(value.name), role: 'role' in value ? String(value.role) : 'guest' } }
    },
  },
}

interface Setup {
  readonly cache: Cache
  /** Resolves when what is read next comes from this process, where the backend keeps copies. */
  untilCopied(key: string): Promise<void>
}

async function onRedis(kind: typeof redisBackend | typeof tieredBackend): Promise<Setup> {
  const redis = await openRedis({ url: await sharedRedis() })
  const backend: CacheBackend = kind(redis, { deadline: '10s' })
  const prefix = freshPrefix('schema')
  closeWithFile(() => backend.close().then(() => redis.close()))
  const cache = createCache({ backend, prefix })
  const store = backend.open(`${prefix}:v1`)
  const untilCopied = async (key: string): Promise<void> => {
    if (kind === redisBackend) return
    await vi.waitFor(async () => {
      await cache.get(key)
      expect(store.peek?.(key)).toBeDefined()
    }, 20_000)
  }
  return { cache, untilCopied }
}

const backends: Readonly<Record<string, () => Promise<Setup>>> = {
  memory: async () => ({ cache: createCache({ backend: memoryBackend() }), untilCopied: async () => {} }),
  redis: () => onRedis(redisBackend),
  tiered: () => onRedis(tieredBackend),
}

describe.each(Object.entries(backends))('a schema on %s', (_name, open) => {
  it('gives every hit its conversions, from wherever it comes', async () => {
    const { cache, untilCopied } = await open()
    await cache.set('user:1', { name: 'Ada' })
    const loads: string[] = []
    const getUser = cache.define('user:{id}', { schema }, ({ id }: { id: number }): User => {
      loads.push('define')
      return { name: `loaded ${id}`, role: 'admin' }
    })
    const load = (): User => {
      loads.push('getOrSet')
      return { name: 'loaded', role: 'admin' }
    }
    await untilCopied('user:1')
    for (let round = 0; round < 3; round++) {
      const ada = { name: 'Ada', role: 'guest' }
      expect(await getUser({ id: 1 })).toEqual(ada)
      expect(await getUser.peek({ id: 1 })).toEqual(ada)
      expect(await cache.getOrSet('user:1', load, { schema })).toEqual(ada)
    }
    expect(loads).toEqual([])
  })

  it('makes what does not fit any more be computed anew, and never be answered', async () => {
    const { cache, untilCopied } = await open()
    const getUser = cache.define('user:{id}', { schema }, (_: { id: number }): User => ({ name: 'new', role: 'admin' }))
    const old = { title: 'of an older version' }
    await cache.set('user:1', old)
    await untilCopied('user:1')
    expect(await getUser({ id: 1 })).toEqual({ name: 'new', role: 'admin' })
    expect(await cache.get('user:1')).toEqual({ name: 'new', role: 'admin' })
    await cache.set('user:1', old)
    await untilCopied('user:1')
    expect(await getUser.peek({ id: 1 })).toBeUndefined()
    await cache.set('user:1', old)
    await untilCopied('user:1')
    expect(await cache.getOrSet('user:1', () => ({ name: 'newer', role: 'admin' }), { schema })).toEqual({
      name: 'newer',
      role: 'admin',
    })
  })

  it('is not asked about what the loader did not find', async () => {
    const { cache } = await open()
    for (const nothing of [null, undefined]) {
      let loads = 0
      const find = cache.define(`find:${nothing}:{id}`, { schema, negativeTtl: '1m' }, (_: { id: number }) => {
        loads++
        return nothing as unknown as User
      })
      for (let round = 0; round < 3; round++) expect(await find({ id: 1 })).toBe(nothing)
      expect(loads).toBe(1)
    }
  })

  it('that does not answer at once is an error, not a cache that never hits', async () => {
    const { cache } = await open()
    const late: StandardSchemaV1<unknown, User> = {
      '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: { name: 'late', role: 'late' } }) },
    }
    await cache.set('user:1', { name: 'Ada' })
    const getUser = cache.define('user:{id}', { schema: late }, (_: { id: number }): User => ({ name: '', role: '' }))
    await expect(getUser({ id: 1 })).rejects.toBeInstanceOf(CacheOptionError)
    await expect(getUser.peek({ id: 1 })).rejects.toBeInstanceOf(CacheOptionError)
    await expect(cache.getOrSet('user:1', () => ({ name: '', role: '' }), { schema: late })).rejects.toBeInstanceOf(
      CacheOptionError,
    )
  })
})
