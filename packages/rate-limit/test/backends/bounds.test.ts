import { leakCheck } from '@plinth/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockLimit } from '../../src/algorithms/block.js'
import { brokenBound } from './every-interval.js'
import { algorithmsOf, anyLimitOn, anySteps, effort, live, onlyLimit } from './histories.js'
import { describeEveryBackend } from './worlds.js'

leakCheck()

const options = { deadlineMs: 30_000, peek: false }

/** What happens to slots: one is taken, one that is held is given back or renewed, time goes by. */
const anySlotHistory = fc.record({
  slots: fc.integer({ min: 1, max: 5 }),
  leaseMs: fc.integer({ min: 20, max: 2_000 }),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom('take', 'take', 'take', 'release', 'renew', 'wait'),
      which: fc.nat(),
      share: fc.double({ min: 0, max: 0.6, noNaN: true }),
    }),
    { minLength: 5, maxLength: 60 },
  ),
})

describeEveryBackend((kind) => {
  const { name, makeWorld } = kind
  const { numRuns } = effort(kind)

  test.each(algorithmsOf(kind))(
    'no interval holds more than the bound of %s',
    { timeout: 600_000 },
    async (algorithm) => {
      let full = 0
      await fc.assert(
        fc.asyncProperty(anyLimitOn(kind, [algorithm]), anySteps, async (limit, steps) => {
          const admitted = await live(makeWorld(), limit, steps)
          expect(brokenBound(limit, admitted)).toBeUndefined()
          if (brokenBound({ ...limit, quota: limit.quota - 1, burst: limit.burst - 1 }, admitted) !== undefined)
            full += 1
        }),
        effort(kind),
      )
      // the bound was reached: it is the limit that holds, and not the histories that are tame
      expect(full).toBeGreaterThan(numRuns / 4)
    },
  )

  test('nothing is admitted during a block, and everything after it', { timeout: 600_000 }, async () => {
    const block = blockLimit('p')
    const anyBlock = fc.record({
      lastsMs: fc.integer({ min: 2, max: 1_000_000 }),
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
    })
    await fc.assert(
      fc.asyncProperty(anyBlock, async ({ lastsMs, shares }) => {
        const { backend, clock } = makeWorld()
        const order = { baseMs: lastsMs, factor: 1, maxMs: lastsMs, rememberMs: 0, unlessBlocked: false }
        expect(await backend.block('s', block, order, options)).toBe(lastsMs)
        const end = clock.now() + lastsMs
        const isAdmitted = async (): Promise<boolean> =>
          (await backend.decide([{ subject: 's', limit: block, cost: 1, lease: undefined }], options)).admitted
        for (const at of shares.map((share) => Math.floor(share * (lastsMs - 1))).toSorted((a, b) => a - b)) {
          clock.advance(end - lastsMs + at - clock.now())
          expect(await isAdmitted()).toBe(false)
        }
        clock.advance(end - 1 - clock.now())
        expect(await isAdmitted()).toBe(false)
        clock.advance(1)
        expect(await isAdmitted()).toBe(true)
      }),
      effort(kind, 0.5),
    )
  })

  // slots on Memcached end by its own clock: see in-flight.test.ts
  if (name === 'memcached') return
  test('never are more slots held than there are', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anySlotHistory, async ({ slots, leaseMs, steps }) => {
        const { backend, clock } = makeWorld()
        const limit = onlyLimit({ concurrency: slots, lease: leaseMs })
        let held: readonly { readonly lease: string; readonly until: number; readonly at: number }[] = []
        for (const [i, { kind, which, share }] of steps.entries()) {
          if (kind === 'wait') clock.advance(Math.round(share * leaseMs))
          held = held.filter(({ until }) => until > clock.now())
          const chosen = held[which % Math.max(1, held.length)]
          if (kind === 'take') {
            const lease = `lease-${i}`
            const verdict = await backend.decide([{ subject: 's', limit, cost: 1, lease }], options)
            expect(verdict.admitted).toBe(held.length < slots)
            const at = verdict.outcomes[0]?.at ?? 0
            if (verdict.admitted) held = [...held, { lease, until: clock.now() + leaseMs, at }]
          } else if (kind !== 'wait' && chosen !== undefined) {
            const { lease, at } = chosen
            await backend.adjust([{ subject: 's', limit, by: kind === 'renew' ? 1 : -1, at, lease }], options)
            held = held.filter((one) => one !== chosen)
            if (kind === 'renew') held = [...held, { ...chosen, until: clock.now() + leaseMs }]
          }
        }
      }),
      effort(kind),
    )
  })
})
