import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { Asker, limitOf, type RateLimitBackendFixture } from './fixture.js'

/** Slots in flight. */
export const concurrencyChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'never has more in flight than there are slots, however many ask at once',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('concurrency 4')
      const tries = await Promise.all(Array.from({ length: 30 }, () => asker.admits(limit)))
      assert.equal(tries.filter(Boolean).length, 4)
      assert.equal((await asker.look(limit)).remaining, 0)
    },
  },
  {
    name: 'takes one slot whatever the cost',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('concurrency 3')
      assert.equal(asker.first(await asker.decide([limit], { cost: 50 })).remaining, 2)
    },
  },
  {
    name: 'a slot that is given back is free, and only that one',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('concurrency 2')
      const { at } = asker.first(await asker.decide([limit], { lease: 'first' }))
      await asker.decide([limit], { lease: 'second' })
      await asker.adjust(limit, -1, at, { lease: 'first' })
      await asker.adjust(limit, -1, at, { lease: 'first' })
      assert.equal((await asker.look(limit)).remaining, 1)
      assert.equal(await asker.admitted(3, limit), 1)
    },
  },
  {
    name: 'a slot that is not renewed is free when its lease ends',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('concurrency 1 lease 6s')
      const { at } = asker.first(await asker.decide([limit], { lease: 'dead' }))
      await age(fixture, 2000)
      assert.equal(await asker.admits(limit), false)
      await age(fixture, 4000)
      assert.equal(await asker.admits(limit, { lease: 'next' }), true)
      await asker.adjust(limit, 1, at, { lease: 'dead' })
      await asker.adjust(limit, -1, at, { lease: 'dead' })
      assert.equal(await asker.admits(limit), false)
    },
  },
  {
    name: 'a slot that is renewed is kept',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('concurrency 1 lease 6s')
      const { at } = asker.first(await asker.decide([limit], { lease: 'alive' }))
      for (let i = 0; i < 4; i += 1) {
        await age(fixture, 2000)
        await asker.adjust(limit, 1, at, { lease: 'alive' })
      }
      assert.equal(await asker.admits(limit), false)
    },
  },
]

/** Lets slots grow older, by whichever clock ends them. */
function age(fixture: RateLimitBackendFixture, milliseconds: number): Promise<void> {
  return (fixture.age ?? fixture.elapse)(milliseconds)
}
