import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { Asker, limitOf, quotaLimits, type RateLimitBackendFixture } from './fixture.js'

/** Refund and settle. */
export const correctionChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'what is given back can be charged again',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 5, '1m')) {
        await asker.decide([limit], { cost: 2 })
        await fixture.elapse(1000)
        const { at } = asker.first(await asker.decide([limit], { cost: 3 }))
        assert.equal(await asker.admits(limit), false, limit.algorithm)
        await fixture.elapse(1000)
        await asker.adjust(limit, -3, at)
        assert.equal((await asker.look(limit)).remaining, 3, limit.algorithm)
        assert.equal(await asker.admitted(5, limit), 3, limit.algorithm)
      }
    },
  },
  {
    name: 'never gives back more than was used',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 5, '1m')) {
        const { at } = asker.first(await asker.decide([limit], { cost: 2 }))
        for (let i = 0; i < 4; i += 1) await asker.adjust(limit, -2, at)
        assert.equal(await asker.admitted(9, limit), 5, limit.algorithm)
      }
    },
  },
  {
    name: 'what is given back too late helps nobody, and leaves nothing behind',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 5, '1m')) {
        const { at } = asker.first(await asker.decide([limit], { cost: 5 }))
        await fixture.elapse(3 * limit.windowMs)
        await asker.decide([limit], { cost: 5 })
        const before = await asker.look(limit)
        await asker.adjust(limit, -5, at)
        assert.deepEqual(await asker.look(limit), before, limit.algorithm)
        assert.equal(await asker.admits(limit), false, limit.algorithm)
      }
    },
  },
  {
    name: 'more can be charged afterwards than the limit admits, and is owed',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 5, '1m')) {
        const { at } = asker.first(await asker.decide([limit]))
        await asker.adjust(limit, 6, at)
        const owed = await asker.look(limit)
        assert.deepEqual([owed.remaining, owed.admits], [0, false], limit.algorithm)
        await asker.adjust(limit, -2, at)
        assert.equal((await asker.look(limit)).admits, false, limit.algorithm)
        await asker.adjust(limit, -1, at)
        assert.equal((await asker.look(limit)).remaining, 1, limit.algorithm)
      }
    },
  },
  {
    name: 'giving back where nothing was charged changes nothing',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of [...quotaLimits(fixture, 2, '1m'), limitOf('concurrency 2')]) {
        const { at } = await asker.look(limit)
        await asker.adjust(limit, -1, at, { lease: 'nobody' })
        const ask = { subject: 's' }
        assert.equal(await asker.admitted(4, limit, ask), 2, limit.algorithm)
      }
    },
  },
]
