import { leakCheck } from '@plinth/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Limit } from '../../src/policy/limit.js'
import { brokenBound } from './every-interval.js'
import { algorithmsOf, anyLimitOn, anySteps, ask, effort, live, onlyLimit, PATIENT_MS } from './histories.js'
import { describeEveryBackend, type World } from './worlds.js'

leakCheck()

const options = { deadlineMs: PATIENT_MS }

async function correct({ backend }: World, limit: Limit, by: number, at: number): Promise<void> {
  await backend.adjust([{ subject: 's', limit, by, at, lease: undefined }], options)
}

describeEveryBackend((kind) => {
  test('what is charged and given back leaves what there was', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyLimitOn(kind), anySteps, fc.integer({ min: 1, max: 4 }), async (limit, steps, cost) => {
        const world = kind.makeWorld()
        await live(world, limit, steps)
        const before = await ask(world, limit, { peek: true })
        const { admits, at } = await ask(world, limit, { cost })
        if (!admits) return
        await correct(world, limit, -Math.min(cost, limit.burst), at)
        const after = await ask(world, limit, { peek: true })
        expect(after.remaining).toBe(before.remaining)
        // strict dates what is close together as one: that returns up to a twentieth of the window later
        const late = limit.algorithm === 'strict' ? Math.ceil(limit.windowMs / 20) : 0
        expect(after.resetAfterMs).toBeLessThanOrEqual(before.resetAfterMs + late)
        expect(after.resetAfterMs).toBeGreaterThanOrEqual(before.resetAfterMs)
      }),
      effort(kind),
    )
  })

  test('a late refund never admits more than the limit, whatever was charged since', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyLimitOn(kind), anySteps, anySteps, async (limit, first, then) => {
        const world = kind.makeWorld()
        const { admits, at } = await ask(world, limit, { cost: limit.burst })
        const chargedAt = world.clock.now()
        const before = await live(world, limit, first)
        await correct(world, limit, -limit.burst, at)
        const after = await live(world, limit, then)
        expect(admits).toBe(true)
        // the units that were given back count as never used: only those of others have to keep the bound
        expect(
          brokenBound(
            limit,
            [...before, ...after].filter((one) => one.at >= chargedAt),
          ),
        ).toBeUndefined()
      }),
      effort(kind),
    )
  })

  test('a settled cost is owed, and the debt is paid by time alone', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyLimitOn(kind), fc.integer({ min: 1, max: 12 }), async (limit, more) => {
        const world = kind.makeWorld()
        const { at } = await ask(world, limit)
        await correct(world, limit, more, at)
        const used = Math.min(1 + more, 2 * limit.burst)
        const owed = await ask(world, limit, { peek: true })
        expect(owed.remaining).toBe(Math.max(0, limit.burst - used))
        expect(owed.admits).toBe(used < limit.burst)
        world.clock.advance(owed.resetAfterMs)
        expect((await ask(world, limit, { peek: true })).remaining).toBe(limit.burst)
      }),
      effort(kind),
    )
  })

  test.each(algorithmsOf(kind))(
    'a changed %s limit applies at once and keeps what was used',
    { timeout: 600_000 },
    async (algorithm) => {
      const anyQuota = fc.integer({ min: 1, max: 12 })
      await fc.assert(
        fc.asyncProperty(anyQuota, anyQuota, anySteps, async (quota, other, steps) => {
          const world = kind.makeWorld()
          const [limit, changed] = [quota, other].map((limit) => onlyLimit({ limit, per: '1m', algorithm }))
          if (limit === undefined || changed === undefined) return
          await live(world, limit, steps)
          const used = quota - (await ask(world, limit, { peek: true })).remaining
          const { remaining } = await ask(world, changed, { peek: true })
          if (algorithm === 'gcra') {
            // the share that was used is kept, in whole units of either quota
            expect(remaining / other).toBeLessThanOrEqual(1 - (used - 1) / quota)
            expect(remaining / other).toBeGreaterThan(1 - used / quota - 1 / other)
          } else if (algorithm !== 'sliding') {
            expect(remaining).toBe(Math.max(0, other - used))
          } else {
            expect(remaining).toBe(Math.max(0, other - used))
          }
        }),
        effort(kind),
      )
    },
  )

  test('a limit that changes all the time admits no more than the largest would', { timeout: 600_000 }, async () => {
    const anyChanges = fc.array(fc.record({ quota: fc.integer({ min: 1, max: 12 }), steps: anySteps }), {
      minLength: 2,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...algorithmsOf(kind)), anyChanges, async (algorithm, changes) => {
        const world = kind.makeWorld()
        const limitOf = (limit: number): Limit => onlyLimit({ limit, per: '1m', algorithm })
        const admitted = []
        for (const { quota, steps } of changes) admitted.push(...(await live(world, limitOf(quota), steps)))
        expect(brokenBound(limitOf(Math.max(...changes.map(({ quota }) => quota))), admitted)).toBeUndefined()
      }),
      effort(kind, 0.5),
    )
  })
})
