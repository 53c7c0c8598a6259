import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { Asker, limitOf, quotaLimits, type RateLimitBackendFixture } from './fixture.js'

/** Several limits, several subjects, one decision. */
export const togetherChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'when one limit refuses, none is charged',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const wide = [...quotaLimits(fixture, 9, '1m'), limitOf('concurrency 9')]
      for (const narrow of quotaLimits(fixture, 2, '2m')) {
        const all = [...wide, narrow]
        await asker.reset(all)
        for (let i = 0; i < 6; i += 1) await asker.decide(all)
        for (const limit of wide)
          assert.equal((await asker.look(limit)).remaining, 7, `${limit.key} beside ${narrow.key}`)
      }
    },
  },
  {
    name: 'a denial leaves the store as it was',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limits = [...quotaLimits(fixture, 3, '1m'), limitOf('2/2m'), limitOf('concurrency 5')]
      const contents = async (): Promise<string> =>
        fixture.snapshot === undefined
          ? JSON.stringify((await asker.decide(limits, { peek: true })).outcomes.map((outcome) => outcome.remaining))
          : fixture.snapshot()
      await asker.decide(limits)
      await asker.decide(limits)
      const before = await contents()
      for (let i = 0; i < 4; i += 1) assert.equal((await asker.decide(limits)).admitted, false)
      assert.equal(await contents(), before)
      await asker.reset(limits)
      assert.notEqual(await contents(), before)
    },
  },
  {
    name: 'subjects are charged together or not at all',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 3, '1m')) {
        await asker.decide([limit], { subject: 'org', cost: 2 })
        const both = () =>
          asker.all([asker.charge(limit, { subject: 'user' }), asker.charge(limit, { subject: 'org' })])
        assert.equal((await both()).admitted, true, limit.algorithm)
        const refused = await both()
        assert.equal(refused.admitted, false, limit.algorithm)
        assert.deepEqual(
          refused.outcomes.map((outcome) => outcome.admits),
          [true, false],
          limit.algorithm,
        )
        assert.equal((await asker.look(limit, { subject: 'user' })).remaining, 2, limit.algorithm)
      }
    },
  },
  {
    name: 'a limit that only watches is charged and never refuses',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const { algorithm } of quotaLimits(fixture, 1, '1m')) {
        const [watched, enforced] = [limitOf(`2/1m ${algorithm} shadow`), limitOf(`4/1m ${algorithm}`)]
        const verdicts = []
        for (let i = 0; i < 5; i += 1) verdicts.push(await asker.decide([watched, enforced]))
        assert.deepEqual(
          verdicts.map((verdict) => verdict.admitted),
          [true, true, true, true, false],
          algorithm,
        )
        const admits = verdicts.map((verdict) => asker.first(verdict).admits)
        assert.deepEqual(admits, [true, true, false, false, false], algorithm)
      }
    },
  },
]
