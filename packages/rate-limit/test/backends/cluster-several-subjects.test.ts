import { openRedis, type RedisConnection } from '@plinth/core/redis'
import { freshPrefix, leakCheck, sharedRedisCluster } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockLimit } from '../../src/algorithms/block.js'
import { bucketOf } from '../../src/algorithms/strict.js'
import { redisBackend } from '../../src/backends/redis.js'
import { memoryBackend } from '../../src/index.js'
import type { Limit } from '../../src/policy/limit.js'
import type { Charge, Outcome, RateLimitBackend } from '../../src/rate-limit-backend.js'
import { anyRedisLimit, limitsOf } from '../arbitrary-limits.js'
import { FakeClock } from '../fake-clock.js'

leakCheck()

let cluster: RedisConnection
beforeAll(async () => {
  cluster = await openRedis({ cluster: [new URL(await sharedRedisCluster()).host] })
})
afterAll(() => cluster.close())

const options = { deadlineMs: 30_000, peek: false }
const runs = process.env.PLINTH_LONG === '1' ? 2_000 : 40

const anyCall = fc.record({
  subjects: fc.subarray(['s', 't', 'u', 'v'], { minLength: 1 }),
  cost: fc.integer({ min: 1, max: 4 }),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2_500 })),
  /** How long each command takes: what a refused call reserved comes back that much later. */
  takesMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true }), fc.integer({ min: 0, max: 900 })),
})

/** How much later than by the reference what was used may return, in microseconds, because it was reserved meanwhile. */
function lateBy(limit: Limit): number {
  if (limit.algorithm === 'strict') return bucketOf(limit)
  return limit.algorithm === 'gcra' ? 2 : 0
}

/** The connection, on which time goes by while a command is under way. */
function slowed(takes: () => void): RedisConnection {
  return new Proxy(cluster, {
    get(target, name) {
      if (name !== 'run') return Reflect.get(target, name, target) as unknown
      const run: RedisConnection['run'] = async (command, how) => {
        const reply = await target.run(command, how)
        takes()
        return reply
      }
      return run
    },
  })
}

test('on redis cluster a call about several subjects never gets more than by the reference, and a refused one leaves what there was', {
  timeout: 600_000,
}, async () => {
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyRedisLimit, { minLength: 1, maxLength: 3, selector: (input) => JSON.stringify(input) }),
      fc.array(anyCall, { minLength: 1, maxLength: 15 }),
      async (inputs, calls) => {
        const limits: readonly Limit[] = [blockLimit('p'), ...inputs.flatMap((input, i) => limitsOf(`p${i}`, input))]
        const clock = new FakeClock()
        let takesMs = 0
        const subject = redisBackend(
          slowed(() => clock.advance(takesMs)),
          { prefix: freshPrefix(), clock },
        )
        // decides by the time at which the call began, and is asked about those calls only that were admitted
        const began = new FakeClock(clock.now())
        const reference = memoryBackend({ clock: began })
        const chargesOf = (subjects: readonly string[], cost: number, lease: string): readonly Charge[] =>
          subjects.flatMap((one) =>
            limits.map((limit) => ({
              ...{ subject: one, limit, cost },
              lease: limit.algorithm === 'concurrency' ? lease : undefined,
            })),
          )
        const look = async (backend: RateLimitBackend, charges: readonly Charge[]): Promise<readonly Outcome[]> =>
          (await backend.decide(charges, { ...options, peek: true })).outcomes

        for (const [i, call] of calls.entries()) {
          clock.advance(call.waitMs)
          began.advance(clock.now() - began.now())
          const charges = chargesOf(call.subjects, call.cost, `lease-${i}`)
          takesMs = call.takesMs
          const { admitted, outcomes } = await subject.decide(charges, options)
          takesMs = 0
          if (admitted) {
            const expected = await reference.decide(charges, options)
            expect(expected.admitted).toBe(true)
            for (const [j, { remaining }] of outcomes.entries()) {
              expect(remaining).toBeLessThanOrEqual(expected.outcomes[j]?.remaining ?? -1)
            }
          } else refused += 1

          began.advance(clock.now() - began.now())
          const everybody = chargesOf(['s', 't', 'u', 'v'], call.cost, 'nobody')
          const [expected, actual] = await Promise.all([look(reference, everybody), look(subject, everybody)])
          for (const [j, { limit }] of everybody.entries()) {
            const [should, is] = [expected[j] as Outcome, actual[j] as Outcome]
            const late = Math.ceil(lateBy(limit) / 1000)
            expect(is.remaining).toBeLessThanOrEqual(should.remaining)
            expect(is.retryAfterMs).toBeGreaterThanOrEqual(should.retryAfterMs)
            expect(is.retryAfterMs - should.retryAfterMs || 0).toBeLessThanOrEqual(late)
            if (late === 0) expect({ ...is, at: 0 }).toEqual({ ...should, at: 0 })
          }
          const lates = new Set(limits.map(lateBy).filter((late) => late > 0))
          for (const late of [...lates].toSorted((a, b) => a - b)) {
            // a little later it is there again, all of it
            const behind = everybody.filter(({ limit }) => lateBy(limit) === late)
            const lateMs = (late + 1) / 1000 // a clock of milliseconds is not exact to the last microsecond
            clock.advance(lateMs)
            const [before, then] = [await look(reference, behind), await look(subject, behind)]
            clock.advance(-lateMs)
            for (const [j, { remaining }] of before.entries()) {
              expect(then[j]?.remaining).toBeGreaterThanOrEqual(remaining)
            }
          }
        }
      },
    ),
    { numRuns: runs, endOnFailure: true },
  )
  expect(refused).toBeGreaterThan(runs)
})
