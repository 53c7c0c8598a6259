import { openRedis, type RedisConnection } from '@plinth/core/redis'
import { freshPrefix, leakCheck, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockLimit } from '../../src/algorithms/block.js'
import { redisBackend } from '../../src/backends/redis.js'
import { memoryBackend } from '../../src/index.js'
import type { Limit } from '../../src/policy/limit.js'
import type { Charge, RateLimitBackend } from '../../src/rate-limit-backend.js'
import { anyRedisLimit, limitsOf } from '../arbitrary-limits.js'
import { FakeClock } from '../fake-clock.js'

leakCheck()

let redis: RedisConnection
let cluster: RedisConnection
beforeAll(async () => {
  redis = await openRedis({ url: await sharedRedis() })
  cluster = await openRedis({ cluster: [new URL(await sharedRedisCluster()).host] })
})
afterAll(() => Promise.all([redis.close(), cluster.close()]))

const options = { deadlineMs: 30_000, peek: false }
const runs = process.env.PLINTH_LONG === '1' ? 2_000 : 150

/** What happens to both backends, in order; numbers choose among what happened before. */
const anyStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      cost: fc.integer({ min: 1, max: 4 }),
      peek: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2_500 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -7_200_000, max: 100_000_000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('adjust' as const),
      which: fc.nat(),
      by: fc.integer({ min: -5, max: 30 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('block' as const),
      ms: fc.integer({ min: 1, max: 2_000 }),
      unlessBlocked: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
)

interface Taken {
  readonly charge: Charge
  readonly at: number
}

const kinds = [
  // with three subjects a call has more limits than a script is unrolled for
  { name: 'redis', connection: () => redis, subjects: [['s'], ['s', 't'], ['s', 't', 'u']] },
  // several subjects are reserved and given back there: see cluster-several-subjects.test.ts
  { name: 'redis cluster', connection: () => cluster, subjects: [['s']] },
]

test.each(kinds)(
  'on $name the script decides exactly as the reference, whatever happens',
  {
    timeout: 120_000,
  },
  async ({ connection, subjects: anySubjects }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyRedisLimit, { minLength: 1, maxLength: 3, selector: (input) => JSON.stringify(input) }),
        fc.constantFrom(...anySubjects),
        fc.array(anyStep, { minLength: 1, maxLength: 40 }),
        async (inputs, subjects, steps) => {
          const limits: readonly Limit[] = [blockLimit('p'), ...inputs.flatMap((input, i) => limitsOf(`p${i}`, input))]
          const clock = new FakeClock()
          const pair = [memoryBackend({ clock }), redisBackend(connection(), { prefix: freshPrefix(), clock })]
          const both = async <Answer>(
            act: (backend: RateLimitBackend) => Answer | Promise<Answer>,
          ): Promise<Answer> => {
            const [expected, actual] = await Promise.all(pair.map(act))
            expect(actual).toEqual(expected)
            return expected as Answer
          }
          const taken: Taken[] = []
          let leases = 0
          for (const step of steps) {
            if (step.kind === 'wait' || step.kind === 'step') clock.advance(step.ms)
            if (step.kind === 'decide') {
              leases += 1
              const lease = `lease-${leases}`
              const charges = subjects.flatMap((subject) =>
                limits.map((limit) => ({
                  subject,
                  limit,
                  cost: step.cost,
                  lease: limit.algorithm === 'concurrency' ? lease : undefined,
                })),
              )
              const verdict = await both(async (backend) => {
                const { outcomes, ...rest } = await backend.decide(charges, { ...options, peek: step.peek })
                // the time of a block's outcome means nothing
                return {
                  ...rest,
                  outcomes: outcomes.map((one, i) => (i % limits.length === 0 ? { ...one, at: 0 } : one)),
                }
              })
              if (verdict.admitted && !step.peek) {
                for (const [i, charge] of charges.entries()) {
                  if (verdict.outcomes[i]?.admits && charge.limit.algorithm !== 'block')
                    taken.push({ charge, at: verdict.outcomes[i].at })
                }
              }
            }
            const chosen = step.kind === 'adjust' ? taken[step.which % Math.max(1, taken.length)] : undefined
            if (step.kind === 'adjust' && chosen !== undefined && step.by !== 0) {
              const { charge, at } = chosen
              const { subject, limit, lease } = charge
              const by = lease === undefined ? step.by : Math.sign(step.by)
              await both((backend) => backend.adjust([{ subject, limit, by, at, lease }], options))
            }
            if (step.kind === 'block') {
              const order = {
                baseMs: step.ms,
                factor: 2,
                maxMs: 5_000,
                rememberMs: 1_000,
                unlessBlocked: step.unlessBlocked,
              }
              await both((backend) => backend.block('s', blockLimit('p'), order, options))
            }
            if (step.kind === 'reset') await both((backend) => backend.reset('s', limits, options))
          }
        },
      ),
      { numRuns: runs },
    )
  },
)
