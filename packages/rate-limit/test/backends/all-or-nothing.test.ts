import { leakCheck } from '@plinth/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Limit } from '../../src/policy/limit.js'
import type { Charge, Outcome, Verdict } from '../../src/rate-limit-backend.js'
import { limitsOf } from '../arbitrary-limits.js'
import { anyLimitOn, effort } from './histories.js'
import { describeEveryBackend, type World, type WorldKind } from './worlds.js'

leakCheck()

const SUBJECTS = ['user', 'org', 'ip']

/** One call: some limits of some subjects, and whether it only looks. */
const anyCalls = fc.array(
  fc.record({
    subjects: fc.subarray(SUBJECTS, { minLength: 1 }),
    limits: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    cost: fc.integer({ min: 1, max: 4 }),
    wait: fc.double({ min: 0, max: 0.3, noNaN: true }),
  }),
  { minLength: 5, maxLength: 25 },
)

/** Quotas, a limit that only watches, and slots where their time can be turned. */
function anyLimitsOn(kind: WorldKind): fc.Arbitrary<readonly Limit[]> {
  const others = kind.name === 'memcached' ? ['2/1m shadow'] : ['2/1m shadow', 'concurrency 2 lease 5s']
  return fc
    .array(anyLimitOn(kind), { minLength: 2, maxLength: 4 })
    .map((some) => [...some, ...limitsOf('watched', ...others)])
    .map((all) => all.filter((limit, i) => all.findIndex(({ key }) => key === limit.key) === i))
}

function chargesOf(
  limits: readonly Limit[],
  call: { readonly subjects: readonly string[]; readonly limits: readonly number[]; readonly cost: number },
  lease: string,
): readonly Charge[] {
  const chosen = [...new Set(call.limits.map((number) => limits[number % limits.length]))].filter(
    (one) => one !== undefined,
  )
  return call.subjects.flatMap((subject) =>
    chosen.map((limit) => ({
      subject,
      limit,
      cost: Math.min(call.cost, limit.burst),
      lease: limit.algorithm === 'concurrency' ? `${lease}-${subject}` : undefined,
    })),
  )
}

async function decide({ backend }: World, charges: readonly Charge[], peek = false): Promise<Verdict> {
  return backend.decide(charges, { deadlineMs: 30_000, peek })
}

/** What every limit says of every subject, the moment left out. */
async function said(world: World, limits: readonly Limit[]): Promise<readonly Omit<Outcome, 'at'>[]> {
  const charges = SUBJECTS.flatMap((subject) => limits.map((limit) => ({ subject, limit, cost: 1, lease: undefined })))
  const { outcomes } = await decide(world, charges, true)
  return outcomes.map(({ at: _, ...outcome }) => outcome)
}

const remaining = (outcomes: readonly Omit<Outcome, 'at'>[]): readonly number[] => outcomes.map((one) => one.remaining)

describeEveryBackend((kind) => {
  // several subjects live in several slots of a Cluster, and a refusal gives back there, as Memcached does everywhere
  const isExact = kind.name === 'memory' || kind.name === 'redis'

  test('a denial and a peek leave the store as it was, byte for byte where it is one store', {
    timeout: 600_000,
  }, async () => {
    let denials = 0
    await fc.assert(
      fc.asyncProperty(anyLimitsOn(kind), anyCalls, async (limits, calls) => {
        const world = kind.makeWorld()
        for (const [i, call] of calls.entries()) {
          world.clock.advance(Math.round(call.wait * 1000))
          const charges = chargesOf(limits, call, `lease-${i}`)
          const before = [await said(world, limits), await world.contents()] as const
          const expected = await decide(world, charges, true)
          expect([await said(world, limits), await world.contents()]).toEqual(before)
          const { admitted, outcomes } = await decide(world, charges)
          expect(admitted).toBe(expected.admitted)
          expect(admitted).toBe(charges.every(({ limit }, at) => limit.shadow || outcomes[at]?.admits === true))
          if (admitted) continue
          denials += 1
          if (isExact || call.subjects.length === 1) {
            expect([await said(world, limits), await world.contents()]).toEqual(before)
          } else {
            expect(remaining(await said(world, limits))).toEqual(remaining(before[0]))
          }
        }
      }),
      effort(kind, 0.5),
    )
    expect(denials).toBeGreaterThan(20)
  })

  test('an admission charges every limit of every subject exactly its cost', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyLimitsOn(kind), anyCalls, async (limits, calls) => {
        const world = kind.makeWorld()
        for (const [i, call] of calls.entries()) {
          const charges = chargesOf(limits, call, `lease-${i}`)
          const before = await decide(world, charges, true)
          const { admitted, outcomes } = await decide(world, charges)
          if (!admitted) continue
          const after = await decide(world, charges, true)
          for (const [at, { limit, cost }] of charges.entries()) {
            const taken = outcomes[at]?.admits === true ? (limit.algorithm === 'concurrency' ? 1 : cost) : 0
            const left = (before.outcomes[at]?.remaining ?? 0) - taken
            expect([outcomes[at]?.remaining, after.outcomes[at]?.remaining]).toEqual([left, left])
          }
        }
      }),
      effort(kind, 0.5),
    )
  })
})
