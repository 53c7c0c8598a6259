import { type Cache, cacheChannels, createCache, type FailureEvent, memoryBackend } from '@plinth/cache'
import { describe, expect, it } from 'vitest'

const fresh = (): Cache => createCache({ backend: memoryBackend() })

/** Stores every key with a value and, where there are any, tags. */
async function fill(cache: Cache, entries: Readonly<Record<string, readonly string[]>>): Promise<void> {
  for (const [key, tags] of Object.entries(entries)) await cache.set(key, 'old', { tags })
}

async function left(cache: Cache, keys: readonly string[]): Promise<string[]> {
  const values = await cache.getMany(keys)
  return keys.filter((_, index) => values[index] !== undefined)
}

describe('a mutation', () => {
  it('invalidates its tags, keys, prefixes and patterns, and nothing else', async () => {
    const cache = fresh()
    const keys = {
      profile: ['user:1'],
      'user:1': [],
      'feed:1:first': [],
      'feed:2:first': [],
      'search:1:a': [],
      'search:1:b:c': [],
      'search:10:a': [],
      other: ['user:2'],
    }
    await fill(cache, keys)
    const save = cache.mutation(
      { tags: ['user:{id}'], keys: ['user:{id}'], prefixes: ['feed:{id}'], patterns: ['search:{id}:?'] },
      async ({ id }: { id: number }) => id,
    )
    expect(await save({ id: 1 })).toBe(1)
    expect(await left(cache, Object.keys(keys))).toEqual(['feed:2:first', 'search:1:b:c', 'search:10:a', 'other'])
  })

  it('takes wildcards in arguments for text', async () => {
    const cache = fresh()
    const text = cache.define('page:{title}:body', {}, ({ title }: { title: string }) => title)
    for (const title of ['*', 'a', '?']) await text({ title })
    await cache.mutation({ patterns: ['page:{title}:*'] }, async (_: { title: string }) => 1)({ title: '*' })
    expect(await Promise.all(['*', 'a', '?'].map((title) => text.peek({ title })))).toEqual([undefined, 'a', '?'])
  })

  it('computes tags from arguments and result', async () => {
    const cache = fresh()
    await fill(cache, { a: ['org:7'], b: ['org:8'], c: ['user:1'] })
    const save = cache.mutation(
      { tags: ({ id }: { id: number }, saved) => [`user:${id}`, `org:${saved.orgId}`] },
      async (_: { id: number }) => ({ orgId: 7 }),
    )
    await save({ id: 1 })
    expect(await left(cache, ['a', 'b', 'c'])).toEqual(['b'])
  })

  it('invalidates the rest when one part of it cannot be told, and says so', async () => {
    const cache = fresh()
    await fill(cache, { 'user:1': [], 'feed:1:a': [], other: [] })
    const save = cache.mutation(
      {
        tags: (): string[] => {
          throw new Error('no tags')
        },
        keys: ['user:{id}'],
        prefixes: ['feed:{id}'],
      },
      async (_: { id: number }) => 1,
    )
    await expect(save({ id: 1 })).rejects.toThrow('no tags')
    expect(await left(cache, ['user:1', 'feed:1:a', 'other'])).toEqual(['other'])
  })

  it('invalidates after success only, and not before it', async () => {
    const cache = fresh()
    await fill(cache, { a: ['t'] })
    let seen: unknown
    const save = cache.mutation({ tags: ['t'] }, async ({ fails }: { fails: boolean }) => {
      seen = await cache.get('a')
      if (fails) throw new Error('the database said no')
    })
    await expect(save({ fails: true })).rejects.toThrow('the database said no')
    expect(await cache.get('a')).toBe('old')
    await save({ fails: false })
    expect(seen).toBe('old')
    expect(await cache.get('a')).toBeUndefined()
  })
})

describe('recaching after a mutation', () => {
  function users(cache: Cache) {
    const computed: string[] = []
    const getUser = cache.define(
      'user:{userId}:{view}',
      { tags: ['user:{userId}'] },
      async ({ userId, view }: { userId: number; view: string }) => {
        computed.push(`${userId} ${view}`)
        return `${userId} ${view}`
      },
    )
    return { computed, getUser }
  }

  it('passes arguments on by a plan: some of them, renamed, with others added', async () => {
    const cache = fresh()
    const { computed, getUser } = users(cache)
    const save = cache.mutation(
      {
        tags: ['user:{id}'],
        recache: [
          { fn: getUser, include: ['id'], rename: { id: 'userId' }, extra: { view: 'card' } },
          { fn: getUser, rename: { id: 'userId' } },
        ],
      },
      async (args: { id: number; view: string }) => args,
    )
    await save({ id: 4, view: 'page' })
    expect(computed.sort()).toEqual(['4 card', '4 page'])
    expect(await getUser.peek({ userId: 4, view: 'card' })).toBe('4 card')
    expect(await getUser.peek({ userId: 4, view: 'page' })).toBe('4 page')
  })

  it('takes one set of arguments, or several, from arguments and result', async () => {
    const cache = fresh()
    const { computed, getUser } = users(cache)
    const save = cache.mutation(
      {
        recache: [
          { fn: getUser, args: ({ id }, saved) => ({ userId: id, view: saved.views[0] }) },
          { fn: getUser, args: (_, saved) => saved.views.map((view) => ({ userId: 9, view })) },
        ],
      },
      async (_: { id: number }) => ({ views: ['a', 'b'] }),
    )
    await save({ id: 1 })
    expect(computed.sort()).toEqual(['1 a', '9 a', '9 b'])
  })

  it('computes what was written, not what was cached, and a few at a time', async () => {
    const cache = fresh()
    let [row, running, most] = ['old', 0, 0]
    const read = cache.define('row:{id}', { tags: ['row:{id}'] }, async (_: { id: number }) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return row
    })
    const ids = Array.from({ length: 12 }, (_, id) => ({ id }))
    await Promise.all(ids.map((args) => read(args)))
    most = 0
    const save = cache.mutation(
      { tags: ids.map(({ id }) => `row:${id}`), recache: [{ fn: read, args: () => ids }], recacheConcurrency: 3 },
      async ({ text }: { text: string }) => {
        row = text
      },
    )
    await save({ text: 'new' })
    expect(await Promise.all(ids.map((args) => read.peek(args)))).toEqual(ids.map(() => 'new'))
    expect(most).toBe(3)
  })

  it('that fails is published, and does not make the write fail', async () => {
    const cache = fresh()
    const failures: string[] = []
    const listen = (event: unknown): void => {
      const { operation, error } = event as FailureEvent
      failures.push(`${operation}: ${(error as Error).message}`)
    }
    const bad = cache.define('bad:{id}', {}, ({ id }: { id: number }): number => {
      throw new Error(`no ${id}`)
    })
    cacheChannels.failure.subscribe(listen)
    const args = (): never => {
      throw new Error('no plan')
    }
    const save = cache.mutation({ recache: [bad, { fn: bad, args }] }, async ({ id }: { id: number }) => id)
    expect(await save({ id: 3 })).toBe(3)
    cacheChannels.failure.unsubscribe(listen)
    expect(failures.sort()).toEqual(['recache: no 3', 'recache: no plan'])
  })
})
