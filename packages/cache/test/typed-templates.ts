import { createCache, memoryBackend } from '@plinth/cache'

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
