import { leakCheck } from '@plinth/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Limit } from '../../src/policy/limit.js'
import type { Verdict } from '../../src/rate-limit-backend.js'
import { anyLimitOn, anySteps, ask, effort, live, PATIENT_MS } from './histories.js'
import { describeEveryBackend, type World, type WorldKind } from './worlds.js'

leakCheck()

const HOUR = 3_600_000

/** Some limits of one policy, with different windows. */
function inOnePolicy(limits: readonly Limit[]): readonly Limit[] {
  return limits.filter((limit, i) => limits.findIndex(({ key }) => key === limit.key) === i)
}

function decide({ backend }: World, limits: readonly Limit[], cost: number, peek = false): Promise<Verdict> {
  const charges = limits.map((limit) => ({ subject: 's', limit, cost: Math.min(cost, limit.burst), lease: undefined }))
  return Promise.resolve(backend.decide(charges, { deadlineMs: PATIENT_MS, peek }))
}

describeEveryBackend((kind) => {
  const { numRuns } = effort(kind)

  test('what is refused is refused 1 ms before retryAfterMs, and admitted then', { timeout: 600_000 }, async () => {
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyLimitOn(kind), { minLength: 1, maxLength: 3 }), anySteps, async (some, steps) => {
        const world = kind.makeWorld()
        const limits = inOnePolicy(some)
        for (const { wait, cost } of steps) {
          world.clock.advance(Math.round(wait * Math.min(...limits.map(({ windowMs }) => windowMs))))
          const { admitted, outcomes } = await decide(world, limits, cost)
          if (admitted) continue
          refusals += 1
          const retryAfterMs = Math.max(...outcomes.map((outcome) => outcome.retryAfterMs))
          world.clock.advance(retryAfterMs - 1)
          expect((await decide(world, limits, cost)).admitted).toBe(false)
          world.clock.advance(1)
          expect((await decide(world, limits, cost)).admitted).toBe(true)
        }
      }),
      effort(kind),
    )
    expect(refusals).toBeGreaterThan(numRuns)
  })

  test('without charges, what remains never falls and the reset never moves away', { timeout: 600_000 }, async () => {
    const anyWaits = fc.array(fc.double({ min: 0, max: 0.4, noNaN: true }), { minLength: 3, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(anyLimitOn(kind), anySteps, anyWaits, async (limit, steps, waits) => {
        const world = kind.makeWorld()
        await live(world, limit, steps)
        let before = await ask(world, limit, { peek: true })
        let resetAt = world.clock.now() + before.resetAfterMs
        for (const wait of waits) {
          world.clock.advance(Math.round(wait * limit.windowMs))
          const then = await ask(world, limit, { peek: true })
          expect(then.remaining).toBeGreaterThanOrEqual(before.remaining)
          if (then.resetAfterMs > 0) expect(world.clock.now() + then.resetAfterMs).toBeLessThanOrEqual(resetAt)
          resetAt = world.clock.now() + then.resetAfterMs
          before = then
        }
        world.clock.advance(before.resetAfterMs)
        expect(await ask(world, limit, { peek: true })).toMatchObject({ remaining: limit.burst, resetAfterMs: 0 })
      }),
      effort(kind),
    )
  })

  test('steps of the clock by an hour, there and back, lock nobody out for longer than the limit', {
    timeout: 600_000,
  }, async () => {
    const anyStrides = fc.array(
      fc.record({
        hours: fc.constantFrom(-1, 1, -1, 0),
        cost: fc.integer({ min: 1, max: 4 }),
        wait: fc.double({ min: 0, max: 0.5, noNaN: true }),
      }),
      { minLength: 2, maxLength: 15 },
    )
    await fc.assert(
      fc.asyncProperty(anyLimitOn(kind), anyStrides, async (limit, strides) => {
        const world = kind.makeWorld()
        let latest = 0
        for (const { hours, cost, wait } of strides) {
          world.clock.advance(hours * HOUR + Math.round(wait * limit.windowMs))
          latest = Math.max(latest, world.clock.now())
          await ask(world, limit, { cost })
        }
        const { resetAfterMs } = await ask(world, limit, { peek: true })
        expect(resetAfterMs).toBeLessThanOrEqual(longestOn(kind, limit))
        // on Memcached the window is part of the key: what was used in one stays used when the clock comes there again
        world.clock.advance(longestOn(kind, limit) + (kind.name === 'memcached' ? latest - world.clock.now() : 0))
        expect((await ask(world, limit, { cost: limit.burst })).admits).toBe(true)
      }),
      effort(kind),
    )
  })
})

/** How long after its last charge a limit is as new. */
function longestOn({ name }: WorldKind, { algorithm, windowMs, quota, burst }: Limit): number {
  if (algorithm === 'sliding') return 2 * windowMs
  if (algorithm === 'gcra') return Math.ceil((windowMs * burst) / quota)
  // counted in tenths of a window: one of them late, and one more while the clock is behind where it was
  return algorithm === 'strict' && name === 'memcached' ? windowMs + 2 * Math.ceil(windowMs / 10) : windowMs
}
