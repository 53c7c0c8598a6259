import { openRedis, type RedisConnection } from '@plinth/core/redis'
import { leakCheck, type RedisServer, startRedis } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { redisBackend } from '../../src/backends/redis.js'
import { createRateLimiter, type Decision, type RateLimiter } from '../../src/index.js'

leakCheck()

let server: RedisServer
let redis: RedisConnection
beforeAll(async () => {
  server = await startRedis()
  redis = await openRedis({ url: server.url })
})
afterAll(async () => {
  await redis.close()
  await server.close()
})
beforeEach(async () => {
  await server.command('FLUSHALL')
})

const policies = {
  api: { limits: ['5/1h'] },
  daily: { limits: ['7/1d fixed', '100/1m gcra'] },
  wide: { limits: ['1000000/1h', '1000000/1h gcra', '1000000/1h strict', '1000000/1h fixed'] },
} as const

function makeLimiter(): RateLimiter<keyof typeof policies> {
  return createRateLimiter({ backend: redisBackend(redis), policies, onOutage: 'closed', deadline: '5s' })
}

/** How often scripts were run meanwhile, whether or not the server knew them. */
async function scriptsRun(work: () => Promise<unknown>): Promise<number> {
  const before = await calls()
  await work()
  return (await calls()) - before
}

async function calls(): Promise<number> {
  const info = String(await server.command('INFO', 'commandstats'))
  const counts = [...info.matchAll(/^cmdstat_(?:eval|evalsha):calls=(?<calls>\d+)/gm)]
  return counts.reduce((sum, { groups }) => sum + Number(groups?.calls), 0)
}

function countAllowed(decisions: readonly Decision[]): number {
  return decisions.filter(({ allowed }) => allowed).length
}

describe('calls of one turn', () => {
  test('share commands, of which the first is sent sooner, and each is decided for itself', async () => {
    const limiter = makeLimiter()
    await limiter.check('api', 'warm up: the server learns the script')
    const decisions: Decision[] = []
    const run = await scriptsRun(async () => {
      const subjects = ['a', 'a', 'b', 'a', 'a', 'a', 'a', 'b', 'a', 'c']
      decisions.push(...(await Promise.all(subjects.map((subject) => limiter.check('api', subject)))))
    })
    expect(run).toBe(2)
    expect(decisions.map(({ allowed }) => allowed)).toEqual([
      ...[true, true, true, true, true],
      ...[true, false, true, false, true],
    ])
    expect(decisions.map(({ remaining }) => remaining)).toEqual([4, 3, 4, 2, 1, 0, 0, 3, 0, 4])
  })

  test('never admit more than the limit, however many they are', async () => {
    const limiter = makeLimiter()
    const run = await scriptsRun(async () => {
      const decisions = await Promise.all(Array.from({ length: 1000 }, () => limiter.check('api', 'a')))
      expect(countAllowed(decisions)).toBe(5)
    })
    expect(run).toBeLessThan(100)
  })

  test('on many limits share a command with fewer others, so that none keeps the server for long', async () => {
    const limiter = makeLimiter()
    await limiter.check('wide', 'warm up')
    const run = await scriptsRun(() =>
      Promise.all(Array.from({ length: 24 }, (_, i) => limiter.check('wide', `subject ${i}`))),
    )
    expect(run).toBe(3) // with a block beside four limits 8, 13 and 3 of them: not 8 and 16
  })

  test('on several policies take a command for each', async () => {
    const limiter = makeLimiter()
    await Promise.all([limiter.check('api', 'x'), limiter.check('daily', 'x')])
    const run = await scriptsRun(() =>
      Promise.all([
        limiter.check('api', 'a'),
        limiter.check('daily', 'a'),
        limiter.check('api', 'b'),
        limiter.check('daily', 'b'),
      ]),
    )
    expect(run).toBe(2)
  })

  test('that look charge nothing beside those that charge', async () => {
    const limiter = makeLimiter()
    const [, checked] = await Promise.all([limiter.peek('api', 'a'), limiter.check('api', 'a')])
    expect(checked.remaining).toBe(4)
    expect((await limiter.peek('api', 'a')).remaining).toBe(4)
  })

  test('with different costs are charged each its own', async () => {
    const limiter = makeLimiter()
    const costs = [3, 3, 2, 1]
    const decisions = await Promise.all(costs.map((cost) => limiter.check('api', 'a', { cost })))
    expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false, true, false])
  })
})

test('a decision takes exactly one command, one after the other', async () => {
  const limiter = makeLimiter()
  await limiter.check('daily', 'warm up')
  const run = await scriptsRun(async () => {
    for (let i = 0; i < 20; i += 1) await limiter.check('daily', `subject ${i}`)
  })
  expect(run).toBe(20)
})

test('a call with more limits than a script is unrolled for is decided all or nothing', async () => {
  const limiter = makeLimiter()
  const three = (b: string) =>
    limiter.checkAll([
      { policy: 'daily', subject: 'a' },
      { policy: 'wide', subject: 'a' },
      { policy: 'api', subject: b },
      { policy: 'daily', subject: b },
    ])
  for (let i = 0; i < 5; i += 1) expect((await three('b')).allowed).toBe(true)
  expect(await three('b')).toMatchObject({ allowed: false, violated: ['api'] })
  expect((await three('c')).allowed).toBe(true)
  expect((await limiter.peek('daily', 'a')).remaining).toBe(1)
})

describe('a server that forgets its scripts', () => {
  test('is sent them again, in the middle of traffic, and no call is charged twice', async () => {
    const limiter = makeLimiter()
    let admitted = 0
    for (let round = 0; round < 20; round += 1) {
      const flushed = server.command('SCRIPT', 'FLUSH')
      const decisions = await Promise.all(Array.from({ length: 40 }, () => limiter.check('wide', 'a')))
      admitted += countAllowed(decisions)
      expect(decisions.some(({ degraded }) => degraded)).toBe(false)
      await flushed
    }
    expect(admitted).toBe(800)
    const fixed = (await limiter.peek('wide', 'a')).limits.find(({ algorithm }) => algorithm === 'fixed')
    expect(fixed?.remaining).toBe(999_200)
  })

  test('because it was restarted limits again, and refunds and blocks work too', async () => {
    const limiter = makeLimiter()
    await limiter.check('daily', 'a')
    await server.restart()
    await expect.poll(() => redis.available, { timeout: 10_000 }).toBe(true)
    const decision = await limiter.check('daily', 'a')
    expect(decision).toMatchObject({ allowed: true, degraded: false, remaining: 6 })
    await decision.refund()
    expect((await limiter.peek('daily', 'a')).remaining).toBe(7)
    await limiter.block('a', '1m')
    expect((await limiter.check('daily', 'a')).outcome).toBe('blocked')
  })
})

describe('the self-test', () => {
  test('warns of a server that may evict counts, and only of such a one', async () => {
    const limiter = makeLimiter()
    await limiter.check('api', 'a')
    const warnings = async () => (await limiter.selfTest()).filter((warning) => warning.includes('maxmemory-policy'))
    expect(await warnings()).toEqual([])
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru')
    expect(await warnings()).toEqual([expect.stringContaining('volatile-lru')])
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  })
})
