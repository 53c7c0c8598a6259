import { registerSabotage } from '@plinth/testing'
import { rateLimitBackendChecks } from '../../src/conformance/index.js'
import { memoryBackend } from '../../src/index.js'
import type { Charge, RateLimitBackend, Verdict } from '../../src/rate-limit-backend.js'
import { FakeClock } from '../fake-clock.js'

const algorithms = ['fixed', 'sliding', 'gcra', 'strict', 'concurrency'] as const

/** A memory backend with one thing broken. */
function broken(damage: (sound: RateLimitBackend, clock: FakeClock) => Partial<RateLimitBackend>) {
  return () => {
    const clock = new FakeClock()
    const sound = memoryBackend({ clock })
    const backend: RateLimitBackend = { ...methodsOf(sound), ...damage(sound, clock) }
    return { backend, algorithms, elapse: async (ms: number) => clock.advance(ms) }
  }
}

/** The methods of a backend as properties, so that they can be replaced one by one. */
function methodsOf(backend: RateLimitBackend): RateLimitBackend {
  return {
    name: 'broken',
    remote: false,
    blocksNobody: false,
    available: true,
    refuses: (limit) => backend.refuses(limit),
    decide: (...order) => backend.decide(...order),
    adjust: (...order) => backend.adjust(...order),
    block: (...order) => backend.block(...order),
    reset: (...order) => backend.reset(...order),
  }
}

/** Passes on what the sound backend decides, changed. */
function withVerdict(change: (verdict: Verdict, charges: readonly Charge[], now: number) => Verdict) {
  return broken((sound, clock) => ({
    decide: async (charges, options) => change(await sound.decide(charges, options), charges, clock.now()),
  }))
}

const withOutcomes = (change: (outcome: Verdict['outcomes'][number]) => Partial<Verdict['outcomes'][number]>) =>
  withVerdict((verdict) => ({
    ...verdict,
    outcomes: verdict.outcomes.map((outcome) => ({ ...outcome, ...change(outcome) })),
  }))

const withCharges = (change: (charge: Charge) => Charge) =>
  broken((sound) => ({ decide: (charges, options) => sound.decide(charges.map(change), options) }))

const decideAlone = async (sound: RateLimitBackend, charges: readonly Charge[], peek: boolean): Promise<Verdict> => {
  const verdicts = []
  for (const charge of charges) verdicts.push(await sound.decide([charge], { peek, deadlineMs: 1000 }))
  const admitted = verdicts.every((verdict, i) => verdict.admitted || charges[i]?.limit.shadow === true)
  return { admitted, firm: true, outcomes: verdicts.flatMap((verdict) => verdict.outcomes) }
}

registerSabotage(rateLimitBackendChecks, {
  'refuses nothing': withVerdict((verdict) => ({ ...verdict, admitted: true })),
  'refuses everything': withVerdict((verdict) => ({ ...verdict, admitted: false })),
  'keeps less than it says': broken(() => ({
    refuses: (limit) => (limit.algorithm === 'gcra' ? 'cannot' : undefined),
  })),
  'admits one more': withCharges((charge) => ({
    ...charge,
    limit: { ...charge.limit, quota: charge.limit.quota + 1 },
  })),
  'looks first and charges later': broken((sound) => ({
    decide: async (charges, options) => {
      const verdict = await sound.decide(charges, { ...options, peek: true })
      await new Promise((resolve) => setImmediate(resolve))
      if (verdict.admitted && !options.peek) await sound.decide(charges, options)
      return verdict
    },
  })),
  'ignores the cost': withCharges((charge) => ({ ...charge, cost: 1 })),
  'takes as many slots as units': withVerdict(withSlotsForCost),
  'charges what it peeks at': broken((sound) => ({
    decide: (charges, options) => sound.decide(charges, { ...options, peek: false }),
  })),
  'says another number of units remains': withOutcomes((outcome) => ({ remaining: outcome.remaining + 1 })),
  'lets come back too early': withOutcomes((outcome) => ({ retryAfterMs: Math.max(0, outcome.retryAfterMs - 2) })),
  'lets come back too late': withOutcomes((outcome) => ({ retryAfterMs: outcome.retryAfterMs + 2 })),
  'says a constant until the reset': withOutcomes(() => ({ resetAfterMs: 60_000 })),
  'waits for ever longer': withVerdict((verdict, _, now) => ({
    ...verdict,
    outcomes: verdict.outcomes.map((outcome) => ({ ...outcome, resetAfterMs: outcome.resetAfterMs === 0 ? 0 : now })),
  })),
  'ignores the case of a subject': withCharges((charge) => ({ ...charge, subject: charge.subject.toLowerCase() })),
  'counts each quota apart': withCharges((charge) => ({
    ...charge,
    limit: { ...charge.limit, key: `${charge.limit.key}:${charge.limit.quota}` },
  })),
  'resets nothing': broken(() => ({ reset: () => {} })),
  'charges one limit after the other': broken((sound) => ({
    decide: (charges, { peek }) => decideAlone(sound, charges, peek),
  })),
  'lets a limit that only watches refuse': withCharges((charge) => ({
    ...charge,
    limit: { ...charge.limit, shadow: false },
  })),
  'gives nothing back': broken((sound) => ({
    adjust: (corrections, options) =>
      sound.adjust(
        corrections.filter(({ by }) => by > 0),
        options,
      ),
  })),
  'gives back twice': broken((sound) => ({
    adjust: async (corrections, options) => {
      await sound.adjust(corrections, options)
      if (corrections.some(({ by }) => by < -1)) await sound.adjust(corrections, options)
    },
  })),
  'gives back more than was used': broken((sound) => ({
    adjust: (corrections, options) => {
      for (const { subject, limit, by } of corrections) if (by < 0) sound.reset(subject, [{ ...limit }], options)
    },
  })),
  'gives back into the window that is open': broken((sound, clock) => ({
    adjust: (corrections, options) =>
      sound.adjust(
        corrections.map((correction) => ({ ...correction, at: clock.now() * 1000 })),
        options,
      ),
  })),
  'forgets debts': broken((sound) => ({
    adjust: (corrections, options) =>
      sound.adjust(
        corrections.filter(({ by, lease }) => by < 0 || lease !== undefined),
        options,
      ),
  })),
  'charges when nothing can be given back': broken((sound) => ({
    adjust: async (corrections, options) => {
      for (const { subject, limit } of corrections) {
        await sound.decide([{ subject, limit, cost: 1, lease: 'made up' }], { ...options, peek: false })
      }
      await sound.adjust(corrections, options)
    },
  })),
  'stands still when the clock is set back': broken((_sound, clock) => {
    let latest = 0
    const now = (): number => {
      latest = Math.max(latest, clock.now())
      return latest
    }
    return methodsOf(memoryBackend({ clock: { now, elapsed: now } }))
  }),
  'lives in another time zone': withCharges((charge) =>
    charge.limit.calendar === undefined ? charge : { ...charge, limit: { ...charge.limit, calendar: undefined } },
  ),
  'forgets within the hour': broken((_sound, clock) =>
    methodsOf(memoryBackend({ clock: { now: () => clock.now() * 60, elapsed: () => 0 } })),
  ),
  'ignores leases': withCharges((charge) => ({
    ...charge,
    lease: charge.lease === undefined ? undefined : 'the same',
  })),
  'never ends a lease': withCharges((charge) =>
    charge.lease === undefined ? charge : { ...charge, limit: { ...charge.limit, windowMs: 10 ** 9 } },
  ),
  'renews nothing': broken((sound) => ({
    adjust: (corrections, options) =>
      sound.adjust(
        corrections.filter(({ by, lease }) => by < 0 || lease === undefined),
        options,
      ),
  })),
  'blocks nobody': broken(() => ({ block: () => 0 })),
  'always replaces a block': broken((sound) => ({
    block: (subject, limit, order, options) => sound.block(subject, limit, { ...order, unlessBlocked: false }, options),
  })),
  'never escalates': broken((sound) => ({
    block: (subject, limit, order, options) => sound.block(subject, limit, { ...order, factor: 1 }, options),
  })),
})

/** As if a cost of several units had taken several slots. */
function withSlotsForCost(verdict: Verdict, charges: readonly Charge[]): Verdict {
  const taken = (i: number): number => (charges[i]?.lease === undefined ? 0 : (charges[i]?.cost ?? 1) - 1)
  const outcomes = verdict.outcomes.map((outcome, i) => ({
    ...outcome,
    remaining: Math.max(0, outcome.remaining - taken(i)),
  }))
  return { ...verdict, outcomes }
}
