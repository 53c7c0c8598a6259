import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import { Asker, limitOf, quotaLimits, type RateLimitBackendFixture } from './fixture.js'

/** Counting one limit for one subject. */
export const quotaChecks: readonly Check<RateLimitBackendFixture>[] = [
  {
    name: 'keeps the algorithms it says, and refuses the others with a reason',
    run: async ({ backend, algorithms }) => {
      for (const algorithm of ['fixed', 'sliding', 'gcra', 'strict', 'concurrency'] as const) {
        const limit = limitOf(algorithm === 'concurrency' ? 'concurrency 3' : `3/1m ${algorithm}`)
        const reason = backend.refuses(limit)
        assert.equal(reason === undefined, algorithms.includes(algorithm), algorithm)
        if (reason !== undefined) assert.notEqual(reason, '')
      }
    },
  },
  {
    name: 'admits exactly the quota at once',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 5, '1m'))
        assert.equal(await asker.admitted(12, limit), 5, limit.algorithm)
    },
  },
  {
    name: 'admits exactly the quota when everyone asks at the same moment',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 10, '1m')) {
        const tries = await Promise.all(Array.from({ length: 60 }, () => asker.admits(limit)))
        assert.equal(tries.filter(Boolean).length, 10, limit.algorithm)
      }
    },
  },
  {
    name: 'a cost of several units counts as several',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 10, '1m')) {
        assert.equal(await asker.admitted(9, limit, { cost: 3 }), 3, limit.algorithm)
        assert.equal(await asker.admitted(3, limit), 1, limit.algorithm)
      }
    },
  },
  {
    name: 'says what remains',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 7, '1m')) {
        const left: number[] = []
        for (let i = 0; i < 3; i += 1) left.push(asker.first(await asker.decide([limit], { cost: 2 })).remaining)
        left.push(asker.first(await asker.decide([limit], { cost: 2 })).remaining)
        assert.deepEqual(left, [5, 3, 1, 1], limit.algorithm)
      }
    },
  },
  {
    name: 'a peek charges nothing, and says what a charge would hear',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 2, '1m')) {
        for (let i = 0; i < 5; i += 1) assert.equal((await asker.look(limit)).remaining, 2, limit.algorithm)
        await asker.decide([limit], { cost: 2 })
        const peeked = await asker.look(limit)
        assert.deepEqual(peeked, asker.first(await asker.decide([limit])), limit.algorithm)
      }
    },
  },
  {
    name: 'refuses until retryAfterMs, and admits from then on',
    run: async (fixture) => {
      for (const window of ['300ms', '1m', '45d']) {
        const asker = new Asker(fixture)
        for (const limit of quotaLimits(fixture, 4, window)) {
          await asker.decide([limit], { cost: 3 })
          await fixture.elapse(Math.floor(limit.windowMs / 5))
          await asker.decide([limit])
          const refused = asker.first(await asker.decide([limit], { cost: 4 }))
          assert.equal(refused.admits, false, limit.key)
          assert.ok(refused.retryAfterMs > 0 && refused.retryAfterMs <= 2 * limit.windowMs, limit.key)
          await fixture.elapse(refused.retryAfterMs - 1)
          assert.equal((await asker.look(limit, { cost: 4 })).admits, false, `${limit.key}: 1 ms before`)
          await fixture.elapse(1)
          assert.equal(await asker.admits(limit, { cost: 4 }), true, `${limit.key}: then`)
        }
      }
    },
  },
  {
    name: 'gives back all of the quota after resetAfterMs',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 4, '1m')) {
        const charged = asker.first(await asker.decide([limit], { cost: 4 }))
        assert.ok(charged.resetAfterMs > 0 && charged.resetAfterMs <= 2 * limit.windowMs, limit.algorithm)
        await fixture.elapse(charged.resetAfterMs)
        const then = await asker.look(limit)
        assert.deepEqual([then.remaining, then.resetAfterMs], [4, 0], limit.algorithm)
      }
    },
  },
  {
    name: 'what remains never falls, and the wait never grows, while nothing is charged',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const limit of quotaLimits(fixture, 6, '1m')) {
        await asker.decide([limit], { cost: 2 })
        await fixture.elapse(7000)
        let before = asker.first(await asker.decide([limit], { cost: 3 }))
        for (let i = 0; i < 20; i += 1) {
          await fixture.elapse(4000)
          const then = await asker.look(limit)
          assert.ok(then.remaining >= before.remaining, limit.algorithm)
          assert.ok(then.resetAfterMs <= before.resetAfterMs, limit.algorithm)
          before = then
        }
      }
    },
  },
  {
    name: 'subjects and limits never share a count, however they are spelt',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const subjects = [
        'a',
        'A',
        'a:b',
        'a b',
        '{a}',
        '}a',
        'a}',
        '{}',
        'a\n',
        'a\0',
        '__proto__',
        '*',
        '\ud800',
        '\ud801',
        'é',
        'e\u0301',
        '',
      ]
      for (const limit of [...quotaLimits(fixture, 1, '1m'), ...quotaLimits(fixture, 1, '2m')]) {
        for (const subject of subjects) {
          assert.equal(await asker.admitted(2, limit, { subject }), 1, `${limit.key} of ${JSON.stringify(subject)}`)
        }
      }
    },
  },
  {
    name: 'another quota applies at once and keeps what was used',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      for (const { algorithm } of quotaLimits(fixture, 1, '1m')) {
        const ofQuota = (quota: number) => limitOf(`${quota}/1m ${algorithm}`)
        await asker.decide([ofQuota(4)], { cost: 2 })
        assert.equal((await asker.look(ofQuota(4))).remaining, 2, algorithm)
        // gcra keeps the share that was used, the others keep the units
        assert.equal((await asker.look(ofQuota(8))).remaining, algorithm === 'gcra' ? 4 : 6, algorithm)
        assert.equal((await asker.look(ofQuota(2))).remaining, algorithm === 'gcra' ? 1 : 0, algorithm)
      }
    },
  },
  {
    name: 'forgets one subject when it is reset, and no other',
    run: async (fixture) => {
      const asker = new Asker(fixture)
      const limits = quotaLimits(fixture, 1, '1m')
      for (const subject of ['s', 't']) await asker.decide(limits, { subject })
      await asker.reset(limits)
      for (const limit of limits) {
        assert.equal((await asker.look(limit)).remaining, 1, limit.algorithm)
        assert.equal((await asker.look(limit, { subject: 't' })).remaining, 0, limit.algorithm)
      }
    },
  },
]
