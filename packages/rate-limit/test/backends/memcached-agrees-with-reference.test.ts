import { type MemcachedConnection, openMemcached } from '@plinth/core/memcached'
import { freshPrefix, leakCheck, sharedMemcached } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memcachedBackend } from '../../src/backends/memcached.js'
import { memoryBackend, type RateLimitBackend } from '../../src/index.js'
import type { Charge, Correction, Outcome } from '../../src/rate-limit-backend.js'
import { limitsOf } from '../arbitrary-limits.js'
import { FakeClock } from '../fake-clock.js'
import { PATIENT_MS } from './histories.js'

leakCheck()

let memcached: MemcachedConnection
beforeAll(async () => {
  const connection = openMemcached({ servers: await sharedMemcached() })
  memcached = connection
  await connection.whenReady()
})
afterAll(() => memcached.close())

const numRuns = process.env.PLINTH_LONG === '1' ? 2_000 : 60

/** What counts by windows, longer than any test. */
const anyInput = fc.oneof(
  fc.record({
    limit: fc.integer({ min: 1, max: 12 }),
    per: fc.constantFrom('7m', '1d', '45d'),
    algorithm: fc.constantFrom('fixed' as const, 'sliding' as const),
    shadow: fc.boolean(),
  }),
  fc.constantFrom('7/day fixed Europe/Berlin', '9/week fixed', '11/month fixed America/New_York'),
)

/** Time goes on by a share of seven minutes, of a day, or of 45 days. */
const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      cost: fc.integer({ min: 1, max: 4 }),
      peek: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      share: fc.double({ min: 0, max: 1.3, noNaN: true }),
      of: fc.constantFrom(420_000, 86_400_000, 45 * 86_400_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('refund' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
)

test('one caller after the other, Memcached decides as the reference', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyInput, { minLength: 1, maxLength: 3, selector: (input) => JSON.stringify(input) }),
      fc.array(anyStep, { minLength: 1, maxLength: 40 }),
      async (inputs, steps) => {
        const limits = inputs.flatMap((input, i) => limitsOf(`p${i}`, input))
        const clock = new FakeClock()
        const backends = [memoryBackend({ clock }), memcachedBackend(memcached, { prefix: freshPrefix('rl'), clock })]
        const taken: { readonly charge: Charge; readonly at: number }[] = []
        for (const step of steps) {
          if (step.kind === 'wait') clock.advance(Math.round(step.share * step.of))
          if (step.kind === 'decide') {
            const charges = limits.map((limit) => ({ subject: 's', limit, cost: step.cost, lease: undefined }))
            const [expected, actual] = await Promise.all(backends.map((backend) => told(backend, charges, step.peek)))
            expect(actual).toEqual(expected)
            if (step.peek || expected?.admitted !== true) continue
            for (const [i, charge] of charges.entries()) {
              const outcome = expected.outcomes[i]
              if (outcome?.admits === true) taken.push({ charge, at: clock.now() * 1000 })
            }
          }
          if (step.kind === 'refund' && taken.length > 0) {
            const [one] = taken.splice(step.which % taken.length, 1)
            if (one === undefined) continue
            const { charge, at } = one
            const { subject, limit, cost, lease } = charge
            const correction = { subject, limit, by: -cost, at, lease }
            for (const backend of backends) await backend.adjust([correction], { deadlineMs: PATIENT_MS })
          }
          if (step.kind === 'reset') {
            taken.length = 0
            for (const backend of backends) await backend.reset('s', limits, { deadlineMs: PATIENT_MS })
          }
        }
      },
    ),
    { numRuns },
  )
})

const anyCalls = fc.array(
  fc.record({
    cost: fc.integer({ min: 1, max: 4 }),
    /** Of the window. */
    wait: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1.5, noNaN: true })),
  }),
  { minLength: 1, maxLength: 40 },
)

/** Of the window: a bucket, in which what was admitted within counts as of its end, and the one that it may begin in. */
const COARSE = 2 / 10

test('strict admits on Memcached only what an exact log admits, and all that one admits whose window is two buckets longer', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ limit: fc.integer({ min: 1, max: 12 }), per: fc.constantFrom('7m', '1d', '45d') }),
      anyCalls,
      async (input, calls) => {
        const [limit] = limitsOf('p', { ...input, algorithm: 'strict' as const })
        if (limit === undefined) throw new TypeError('one limit was asked for')
        const clock = new FakeClock()
        const backend = memcachedBackend(memcached, { prefix: freshPrefix('rl'), clock })
        const admitted: { readonly at: number; readonly cost: number }[] = []
        const usedWithin = (ms: number): number =>
          admitted.reduce((sum, { at, cost }) => (at > clock.now() - ms ? sum + cost : sum), 0)
        for (const { cost, wait } of calls) {
          clock.advance(Math.round(wait * limit.windowMs))
          const verdict = await told(backend, [{ subject: 's', limit, cost, lease: undefined }], false)
          const fits = usedWithin(limit.windowMs) + cost <= limit.quota
          const surelyFits = usedWithin(limit.windowMs * (1 + COARSE)) + cost <= limit.quota
          expect([surelyFits, verdict.admitted, fits].map(Number)).toEqual(
            [surelyFits, verdict.admitted, fits].map(Number).toSorted(),
          )
          if (verdict.admitted) admitted.push({ at: clock.now(), cost })
        }
      },
    ),
    { numRuns },
  )
})

/** Takes a slot, or gives back the one that stands there among those held. */
const anyHolding = fc.array(fc.oneof(fc.constant('take' as const), fc.nat()), { minLength: 1, maxLength: 40 })

test('slots are taken and given back on Memcached as by the reference', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), anyHolding, async (concurrency, steps) => {
      const [limit] = limitsOf('p', { concurrency, lease: '1h' })
      if (limit === undefined) throw new TypeError('one limit was asked for')
      const clock = new FakeClock()
      const backends = [memoryBackend({ clock }), memcachedBackend(memcached, { prefix: freshPrefix('rl'), clock })]
      const held: Correction[] = []
      for (const [i, step] of steps.entries()) {
        if (step === 'take') {
          const charge = { subject: 's', limit, cost: 1, lease: `lease-${i}` }
          const [expected, actual] = await Promise.all(backends.map((backend) => told(backend, [charge], false)))
          const left = expected?.outcomes.map(({ admits, remaining }) => ({ admits, remaining }))
          expect(actual).toMatchObject({ admitted: expected?.admitted, outcomes: left })
          if (expected?.admitted === true) held.push({ ...charge, by: -1, at: clock.now() * 1000 })
        } else if (held.length > 0) {
          const given = held.splice(step % held.length, 1)
          for (const backend of backends) await backend.adjust(given, { deadlineMs: PATIENT_MS })
        }
      }
    }),
    { numRuns },
  )
})

/** What a verdict tells callers: when a charge counts from is each backend's own affair. */
async function told(
  backend: RateLimitBackend,
  charges: readonly Charge[],
  peek: boolean,
): Promise<{ readonly admitted: boolean; readonly outcomes: readonly Omit<Outcome, 'at'>[] }> {
  const { admitted, outcomes } = await backend.decide(charges, { deadlineMs: PATIENT_MS, peek })
  return { admitted, outcomes: outcomes.map(({ at: _at, ...outcome }) => outcome) }
}
