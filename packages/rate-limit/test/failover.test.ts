import { openRedis } from '@plinth/core/redis'
import { freshPrefix, leakCheck, type RedisServer, startRedis, startRedisCluster } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter, type RateLimiter } from '../src/index.js'

leakCheck()

const QUOTA = 60
const policies = { api: { limits: [`${QUOTA}/45d fixed`], onOutage: 'closed' } } as const
const UNTIL_LATE = { timeout: 40_000, interval: 50 }

type Limiter = RateLimiter<'api'>

/** Charges until the backend itself refuses; answers how many it admitted and how many it left unanswered. */
async function exhaust(limiter: Limiter, subject: string): Promise<{ admitted: number; unanswered: number }> {
  let [admitted, unanswered] = [0, 0]
  const worker = async (): Promise<void> => {
    for (;;) {
      const { outcome } = await limiter.check('api', subject)
      if (outcome === 'limited') return
      if (outcome === 'admitted') admitted += 1
      else {
        unanswered += 1
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return { admitted, unanswered }
}

async function charged(limiter: Limiter, subject: string, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) expect((await limiter.check('api', subject)).outcome).toBe('admitted')
}

async function roleOf(node: RedisServer): Promise<readonly unknown[]> {
  return (await node.command('ROLE')) as readonly unknown[]
}

/** Subjects that live on all three masters, whatever their slots. */
const SUBJECTS = Array.from({ length: 12 }, (_, i) => `user:${i}`)

test('a failover of every master of a Cluster under load keeps the counts', { timeout: 120_000 }, async () => {
  const cluster = await startRedisCluster({ nodeTimeout: 10_000 }) // nobody takes over but by order
  onTestFinished(() => cluster.close())
  const redis = await openRedis({ cluster: [new URL(cluster.url).host] })
  onTestFinished(() => redis.close())
  const limiter = createRateLimiter({ backend: redisBackend(redis), policies, deadline: '2s' })
  await Promise.all(SUBJECTS.map((subject) => charged(limiter, subject, QUOTA / 2)))
  const [before, after] = [SUBJECTS.slice(0, 6), SUBJECTS.slice(6)]
  const exhausting = Promise.all(before.map((subject) => exhaust(limiter, subject)))
  // a busy machine may be too slow for an attempt, which is then given up
  const takeOver = async (replica: RedisServer): Promise<string> => {
    const role = String(await replica.command('ROLE'))
    if (role.startsWith('slave')) await replica.command('CLUSTER', 'FAILOVER').catch(() => {})
    return role
  }
  for (const replica of cluster.replicas) {
    await expect.poll(() => takeOver(replica), { timeout: 40_000, interval: 500 }).toMatch(/^master/)
  }
  const exhausted = Promise.all(after.map((subject) => exhaust(limiter, subject)))
  for (const { admitted, unanswered } of [...(await exhausting), ...(await exhausted)]) {
    expect(admitted).toBeLessThanOrEqual(QUOTA / 2)
    // what was not answered may have been charged, and nothing else is missing
    expect(admitted + unanswered).toBeGreaterThanOrEqual(QUOTA / 2)
  }
})

test('a master that is killed takes nothing with it that its replica had', { timeout: 120_000 }, async () => {
  const cluster = await startRedisCluster({ nodeTimeout: 4_000 })
  onTestFinished(() => cluster.close())
  const redis = await openRedis({ cluster: [new URL(cluster.url).host] })
  onTestFinished(() => redis.close())
  const limiter = createRateLimiter({ backend: redisBackend(redis), policies, deadline: '2s' })
  await Promise.all(SUBJECTS.map((subject) => charged(limiter, subject, QUOTA / 2)))
  for (const [i, master] of cluster.masters.entries()) {
    const [, offset] = await roleOf(master)
    const acknowledged = async (): Promise<number> => Number((await roleOf(cluster.replicas[i] ?? master))[4])
    await expect.poll(acknowledged, UNTIL_LATE).toBeGreaterThanOrEqual(Number(offset))
  }
  await cluster.masters[0].kill()
  for (const { admitted, unanswered } of await Promise.all(SUBJECTS.map((subject) => exhaust(limiter, subject)))) {
    expect(admitted).toBeLessThanOrEqual(QUOTA / 2)
    expect(admitted + unanswered).toBeGreaterThanOrEqual(QUOTA / 2)
  }
})

test('a server that became a replica is away, and goes on with its counts once it is a master again', {
  timeout: 60_000,
}, async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const redis = await openRedis({ url: server.url })
  onTestFinished(() => redis.close())
  const backend = redisBackend(redis, { prefix: freshPrefix('rl') })
  const limiter = createRateLimiter({ backend, policies, deadline: '2s' })
  await charged(limiter, 'user:1', QUOTA / 2)
  await server.command('REPLICAOF', '127.0.0.1', '1')
  for (let i = 0; i < 10; i += 1) {
    expect(await limiter.check('api', 'user:1')).toMatchObject({ outcome: 'unavailable', degraded: true })
  }
  expect(backend.available).toBe(false)
  await server.command('REPLICAOF', 'NO', 'ONE')
  await expect.poll(() => backend.available, UNTIL_LATE).toBe(true)
  const { admitted, unanswered } = await exhaust(limiter, 'user:1')
  expect(admitted).toBeLessThanOrEqual(QUOTA / 2)
  expect(admitted + unanswered).toBeGreaterThanOrEqual(QUOTA / 2)
})
