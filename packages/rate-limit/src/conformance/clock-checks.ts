import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { Asker, limitOf, quotaLimits, type RateLimitBackendFixture } from './fixture.js'

const HOUR = 3_600_000

/** Clocks that are set, and windows that follow the calendar. */
export const clockChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'a clock set back by an hour locks nobody out for longer than the limit itself does',
    run: async (fixture) => {
      for (const window of ['10s', '1m', '2h']) {
        for (const limit of quotaLimits(fixture, 3, window)) {
          const asker = new Asker(fixture)
          assert.equal(await asker.admitted(3, limit), 3, limit.key)
          await fixture.elapse(-HOUR)
          let isFree = false
          // `sliding` lets the last unit go a window and a third after it was used
          const longest = limit.algorithm === 'sliding' ? (limit.windowMs * 4) / 3 : limit.windowMs
          for (let i = 0; i < 10 && !isFree; i += 1) {
            isFree = await asker.admits(limit)
            await fixture.elapse(Math.ceil(longest / 10))
          }
          assert.equal(isFree || (await asker.admits(limit)), true, limit.key)
          await fixture.elapse(2 * limit.windowMs + HOUR)
        }
      }
    },
  },
  {
    name: 'a clock set forward by an hour forgets no more than an hour',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 4, '1d')) {
        await asker.decide([limit], { cost: 4 })
        await fixture.elapse(HOUR)
        assert.equal(await asker.admits(limit), false, limit.algorithm)
      }
    },
  },
  {
    name: 'a fixed window ends when its calendar day does',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('2/1d fixed Europe/Berlin')
      await asker.decide([limit], { cost: 2 })
      const { at, retryAfterMs } = await asker.look(limit)
      const local = new Date(at / 1000 + retryAfterMs).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })
      assert.equal(local, '00:00:00')
      await fixture.elapse(retryAfterMs - 1)
      assert.equal(await asker.admits(limit), false)
      await fixture.elapse(1)
      assert.equal(await asker.admits(limit), true)
    },
  },
]
