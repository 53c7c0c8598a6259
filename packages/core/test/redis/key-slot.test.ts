import { redisCommand, sharedRedisCluster } from '@plinth/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keySlot } from '../../src/redis/index.js'

test('the slot of a key is the one that a server computes', { timeout: 30_000 }, async () => {
  const { hostname: host, port } = new URL(await sharedRedisCluster())
  const address = { host, port: Number(port), password: undefined, tls: undefined, timeout: 2_000 }
  const part = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('{', '}', '{}', '{a}', 'é', '{ключ}'))
  const key = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(key, async (each) => {
      expect(keySlot(each)).toBe(await redisCommand(address, 'CLUSTER', 'KEYSLOT', each))
    }),
    { numRuns: 60 },
  )
})
