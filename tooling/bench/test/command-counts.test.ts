import { freshRedis, leakCheck } from '@plinth/testing'
import { expect, test } from 'vitest'
import { commandCounts } from '../src/index.js'

leakCheck()

test('the commands that a Redis executed are counted by name', async () => {
  const redis = await freshRedis()
  const counts = commandCounts(redis)
  await redis.command('CONFIG', 'RESETSTAT')
  await redis.command('SET', 'a', '1')
  await redis.command('SET', 'a', '2')
  await redis.command('GET', 'a')
  expect(await counts()).toMatchObject({ set: 2, get: 1 })
})
