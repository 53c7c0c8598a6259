import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rendezvous } from '../../src/memcached/rendezvous.js'

const five = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11211', '10.0.0.4:11211', '10.0.0.5:11211']
const keys = Array.from({ length: 20_000 }, (_, index) => `user:${index}:profile`)

describe('rendezvous hashing', () => {
  test('gives every server about the same share', () => {
    const indexOf = rendezvous(five)
    const shares = five.map(() => 0)
    for (const key of keys) {
      const index = indexOf(key)
      shares[index] = (shares[index] ?? 0) + 1
    }
    for (const share of shares) expect(share / keys.length).toBeCloseTo(0.2, 1)
  })

  test('a server that goes takes only its own keys with it', () => {
    const before = rendezvous(five)
    const after = rendezvous(five.slice(1))
    for (const key of keys) if (before(key) !== 0) expect(after(key)).toBe(before(key) - 1)
  })

  test('does not depend on the order in which the servers are named', () => {
    const reversed = five.toReversed()
    const [one, other] = [rendezvous(five), rendezvous(reversed)]
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(reversed[other(key)]).toBe(five[one(key)])
      }),
    )
  })

  test('keeps keys with the same {tag} on one server', () => {
    const indexOf = rendezvous(five)
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]+$/), fc.string(), fc.string(), (tag, one, other) => {
        const clean = (text: string): string => text.replaceAll('{', '')
        expect(indexOf(`${clean(one)}{${tag}}a`)).toBe(indexOf(`${clean(other)}{${tag}}b`))
      }),
    )
  })

  test('an empty or open brace is no tag', () => {
    const indexOf = rendezvous(five)
    const spread = (make: (index: number) => string) =>
      new Set(keys.slice(0, 200).map((_, index) => indexOf(make(index))))
    expect(spread((index) => `{}${index}`).size).toBe(5)
    expect(spread((index) => `{a${index}`).size).toBe(5)
  })
})
