import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshPrefix, sharedRedis } from '@plinth/testing'
import { expect, it } from 'vitest'

it('what somebody else wrote into the store is a miss, never a crash and never a value', async () => {
  const redis = await openRedis({ url: await sharedRedis() })
  const prefix = freshPrefix('foreign')
  const cache = createCache({ backend: redisBackend(redis, { deadline: '5s' }), prefix })
  closeWithFile(() => Promise.all([cache.close(), redis.close()]))
  const client = redis.client
  const key = `${prefix}:v1/e/k`
  await cache.set('k', { a: 1 })
  const sound = (await client.getBuffer(key)) ?? Buffer.alloc(0)
  const broken: (() => Promise<unknown>)[] = [
    () => client.set(key, 'not ours'),
    () => client.set(key, ''),
    () => client.set(key, sound.subarray(0, 60)),
    () => client.set(key, sound.subarray(0, sound.length - 3)),
    () => client.set(key, Buffer.concat([sound.subarray(0, 4), Buffer.from([9, 9]), sound.subarray(6)])),
    () => client.lpush(key, 'a list'),
    () => client.hset(key, 'a', 'hash'),
  ]
  let refused = 0
  const count = (): void => {
    refused++
  }
  subscribe('plinth:cache:refused', count)
  for (const breakIt of broken) {
    await client.del(key)
    await breakIt()
    expect(await cache.get('k')).toBeUndefined()
    await client.del(key)
    await breakIt()
    expect(await cache.getOrSet('k', () => 'computed')).toBe('computed')
    expect(await cache.get('k')).toBe('computed')
    await client.del(key)
    await breakIt()
    await cache.set('k', 'written')
    expect(await cache.get('k')).toBe('written')
    await client.del(key)
    await breakIt()
    await cache.delete('k')
    expect(await client.exists(key)).toBe(0)
    await breakIt()
    expect(await cache.increment('k').catch(() => 'refused')).toSatisfy(
      (answer) => answer === 1 || answer === 'refused',
    )
    await client.del(key)
  }
  unsubscribe('plinth:cache:refused', count)
  expect(refused).toBeGreaterThan(0)
})
