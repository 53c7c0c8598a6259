import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { blockLimit } from '../algorithms/block.js'
import { Asker, limitOf, type RateLimitBackendFixture } from './fixture.js'

const BLOCK = blockLimit('p')

/** Blocks, by hand and escalating. */
export const blockChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'a blocked subject is refused until the block ends, and charged nothing',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limit = limitOf('3/1m')
      assert.equal(await asker.block(BLOCK, 30_000), 30_000)
      const refused = await asker.decide([BLOCK, limit])
      assert.deepEqual([refused.admitted, asker.first(refused).retryAfterMs], [false, 30_000])
      assert.equal((await asker.decide([BLOCK, limit], { subject: 'other' })).admitted, true)
      await fixture.elapse(29_999)
      assert.equal((await asker.decide([BLOCK, limit])).admitted, false)
      await fixture.elapse(1)
      const admitted = await asker.decide([BLOCK, limit])
      assert.deepEqual([admitted.admitted, admitted.outcomes[1]?.remaining], [true, 2])
    },
  },
  {
    name: 'a block by hand replaces the one that stands; one by escalation leaves it alone',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      await asker.block(BLOCK, 30_000)
      assert.equal(await asker.block(BLOCK, 5000, { unlessBlocked: true }), 30_000)
      assert.equal(await asker.block(BLOCK, 10_000), 10_000)
      assert.equal((await asker.look(BLOCK)).retryAfterMs, 10_000)
    },
  },
  {
    name: 'blocks in a row grow by their factor up to their longest, while the last is remembered',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const lengths: number[] = []
      for (let i = 0; i < 5; i += 1) {
        const length = await asker.block(BLOCK, 1000, { unlessBlocked: true, factor: 3 })
        lengths.push(length)
        await fixture.elapse(length)
      }
      assert.deepEqual(lengths, [1000, 3000, 8000, 8000, 8000])
    },
  },
  {
    name: 'a reset lifts a block',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      await asker.block(BLOCK, 30_000)
      await asker.reset([BLOCK])
      assert.equal((await asker.look(BLOCK)).admits, true)
    },
  },
]
