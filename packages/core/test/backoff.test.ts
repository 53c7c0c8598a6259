import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fullJitter } from '../src/backoff.js'

describe('waiting with full jitter', () => {
  test('never waits longer than the cap, and never less than nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, chance) => {
          const wait = fullJitter({ baseMs: 50, capMs: 700, random: () => chance })(attempt)
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThanOrEqual(700)
        },
      ),
    )
  })

  test('doubles the ceiling with every attempt up to the cap', () => {
    const wait = fullJitter({ baseMs: 100, capMs: 500, random: () => 0.999_999 })
    expect([1, 2, 3, 4, 40].map(wait)).toEqual([100, 200, 400, 500, 500])
  })

  test('may come back at once, so that processes spread over the whole time', () => {
    expect(fullJitter({ baseMs: 100, capMs: 500, random: () => 0 })(3)).toBe(0)
  })
})
