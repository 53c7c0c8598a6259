import { createCache, memoryBackend } from '@plinth/cache'
import type { StandardSchemaV1 } from '@standard-schema/spec'

const cache = createCache({ backend: memoryBackend() })

export const getUser = cache.define(
  'user:{userId}',
  { ttl: '5m', tags: ['user:{userId}'] },
  ({ userId }: { userId: number }) => ({
    id: userId,
    name: 'Ada',
  }),
)
export const name: Promise<string> = getUser({ userId: 1 }).then((user) => user.name)
export const stats = cache.define('stats', {}, () => 5)
export const five: Promise<number> = stats()

// @ts-expect-error a placeholder without its argument
cache.define('user:{userId}', {}, ({ id }: { id: number }) => id)
// @ts-expect-error a tag's placeholder without its argument
cache.define('user:{userId}', { tags: ['org:{orgId}'] }, ({ userId }: { userId: number }) => userId)
// @ts-expect-error an argument that cannot be part of a key
cache.define('user:{userId}', {}, ({ userId }: { userId: () => void }) => userId)
// @ts-expect-error the argument is missing
getUser()
// @ts-expect-error the argument has another type
getUser({ userId: '1' })
// @ts-expect-error the result has no such property
getUser({ userId: 1 }).then((user) => user.email)

export const save = cache.mutation(
  { tags: ['user:{userId}'], recache: [getUser] },
  async ({ userId, name }: { userId: number; name: string }) => ({ userId, name }),
)
export const saved: Promise<{ userId: number; name: string }> = save({ userId: 1, name: 'Ada' })
// @ts-expect-error the tag's placeholder is no argument
cache.mutation({ tags: ['user:{id}'] }, async ({ userId }: { userId: number }) => userId)
// @ts-expect-error getUser needs a userId
cache.mutation({ recache: [getUser] }, async ({ name }: { name: string }) => name)

const user = cache.resource('user', 'userId')
export const profile = user.define('profile', {}, ({ userId }: { userId: number }) => userId * 2)
export const doubled: Promise<number> = profile({ userId: 1 })
// @ts-expect-error the id is missing
user.define('profile', {}, ({ id }: { id: number }) => id)

export const value: Promise<{ a: number } | undefined> = cache.get<{ a: number }>('a')
export const loaded: Promise<number> = cache.getOrSet('a', async () => 1)
// @ts-expect-error no such option
cache.getOrSet('a', () => 1, { tll: 5 })

export const put: Promise<void> = getUser.put({ userId: 1 }, { id: 1, name: 'Ada' })
// @ts-expect-error the value is not what the function gives
getUser.put({ userId: 1 }, { id: 1 })
export const peeked: Promise<{ id: number; name: string } | undefined> = getUser.peek({ userId: 1 })
// @ts-expect-error the arguments to warm are not those of the function
getUser.warm([{ id: 1 }])
// @ts-expect-error warm names arguments of another function
cache.define('user:{userId}', { warm: () => [{ id: 1 }] }, ({ userId }: { userId: number }) => userId)
cache.define(
  'post:{id}',
  { tags: ({ id }, post) => [`post:${id}`, `author:${post.author}`] },
  (args: { id: number }) => ({
    ...args,
    author: 5,
  }),
)
// @ts-expect-error the result has no such property
cache.define('post:{id}', { tags: (_, post) => [`author:${post.writer}`] }, ({ id }: { id: number }) => ({ id }))

cache.mutation(
  { recache: [{ fn: getUser, include: ['id'], rename: { id: 'userId' } }] },
  async ({ id }: { id: number }) => id,
)
cache.mutation(
  // @ts-expect-error the write has no such argument to pass on
  { recache: [{ fn: getUser, include: ['userId'] }] },
  async ({ id }: { id: number }) => id,
)
cache.mutation(
  // @ts-expect-error nor to rename
  { recache: [{ fn: getUser, rename: { user: 'userId' } }] },
  async ({ id }: { id: number }) => id,
)
// @ts-expect-error a pattern's placeholder is no argument
cache.mutation({ patterns: ['search:{term}:*'] }, async ({ id }: { id: number }) => id)

export const renameUser = user.mutation(
  {},
  async ({ userId, name }: { userId: number; name: string }) => `${userId} ${name}`,
)
export const renamed: Promise<string> = renameUser({ userId: 1, name: 'Grace' })
// @ts-expect-error a mutation of a resource needs its id
user.mutation({}, async ({ name }: { name: string }) => name)
// @ts-expect-error an id must be able to be part of a key
user.invalidate(() => 1)
declare const ofNumbers: StandardSchemaV1<unknown, number>
// @ts-expect-error the schema gives something else than the loader
cache.getOrSet<string>('a', () => 'text', { schema: ofNumbers })
