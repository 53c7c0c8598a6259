import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClockOffset } from '../../src/memcached/clock-offset.js'
import { checkKey, counterExtras, expiryOf, readCounter } from '../../src/memcached/memcached-wire.js'

const now = 1_700_000_000_000
const day = 24 * 60 * 60 * 1000

describe('the expiry that is sent', () => {
  test('is a count of whole seconds, rounded up, up to thirty days', () => {
    expect([1, 1_000, 1_001, 30 * day].map((ttl) => expiryOf(ttl, now))).toEqual([1, 1, 2, 2_592_000])
  })

  test('is a date above thirty days, by the clock of the server', () => {
    expect(expiryOf(30 * day + 1, now)).toBe(1_700_000_000 + 2_592_001)
    expect(expiryOf(365 * day, now)).toBe(1_700_000_000 + 31_536_000)
  })

  test('is none without a TTL, and never one that means "never" or "at once" with a TTL', () => {
    expect(expiryOf(undefined, now)).toBe(0)
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: Number.MAX_SAFE_INTEGER, noNaN: true }), (ttl) => {
        const expiry = expiryOf(ttl, now)
        expect(expiry > 0 && expiry < 0xffff_ffff && Number.isInteger(expiry)).toBe(true)
        expect(expiry <= 2_592_000 || expiry > 1_700_000_000).toBe(true)
      }),
    )
  })

  test('refuses a TTL that is not positive', () => {
    for (const ttl of [0, -1, Number.NaN]) expect(() => expiryOf(ttl, now)).toThrow(/more than 0/)
  })
})

describe('keys', () => {
  test('up to 250 bytes of visible characters are taken, of any alphabet', () => {
    for (const key of ['a', 'x'.repeat(250), 'é'.repeat(125), 'user:{42}/ключ'])
      expect(() => checkKey(key)).not.toThrow()
  })

  test('everything else is refused without showing the key', () => {
    for (const key of ['', 'secret key', 'secret\r\n', 'secret\u0000', 'secret\u007f', `secret${'é'.repeat(125)}`]) {
      expect(() => checkKey(key)).toThrow(/^A Memcached key must not/)
      expect(() => checkKey(key)).not.toThrow(/secret/)
    }
  })
})

describe('counters', () => {
  test('are written and read in all their 64 bits, as far as numbers are exact', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(readCounter(counterExtras(value, 0, 0).subarray(0, 8))).toBe(value)
      }),
    )
  })

  test('refuse what is no whole number', () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN])
      expect(() => counterExtras(value, 0, 0)).toThrow(/whole numbers/)
  })
})

describe('the offset of a server’s clock', () => {
  /** A server whose clock is ahead by `offset`, seen through ticks that lag. */
  const reading = (offset: number, at: number, lag: number, took: number) => {
    const shown = Math.floor((at + took / 2 + offset - lag) / 1000) * 1000
    return { askedAt: at, answeredAt: at + took, shown }
  }
  const times = fc.array(fc.tuple(fc.nat(10_000_000), fc.nat(1_000), fc.nat(300)), { minLength: 1, maxLength: 20 })

  test('is 0 for clocks that agree, whatever the lag of the ticks', () => {
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 500 }), times, (offset, readings) => {
        const clock = new ClockOffset()
        for (const [at, lag, took] of readings) clock.add(reading(offset, now + at, lag, took))
        expect(clock.ms).toBe(0)
      }),
    )
  })

  test('is within two seconds for a clock that is set wrongly, and does not wobble with the ticks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3_500, max: 10_000_000 }), fc.boolean(), times, (by, ahead, readings) => {
        const offset = ahead ? by : -by
        const clock = new ClockOffset()
        const seen = readings.map(([at, lag, took]) => {
          clock.add(reading(offset, now + at, lag, took))
          return clock.ms
        })
        expect(Math.abs(clock.ms - offset)).toBeLessThanOrEqual(2_200)
        expect(new Set(seen).size).toBe(1)
      }),
    )
  })
})
