import { channel } from 'node:diagnostics_channel'
import { afterEach, expect, test } from 'vitest'
import { createRateLimiter, memoryBackend } from '../src/index.js'
import { FakeClock } from './fake-clock.js'

const undo: (() => void)[] = []
afterEach(() => {
  for (const one of undo.splice(0)) one()
})

/** What is published about rate limits from now on. */
function heard(...names: readonly string[]): unknown[] {
  const events: unknown[] = []
  for (const name of names) {
    const listen = (event: unknown): void => void events.push([name, event])
    const source = channel(`plinth:rate-limit:${name}`)
    source.subscribe(listen)
    undo.push(() => source.unsubscribe(listen))
  }
  return events
}

const SUBJECT = 'user:ada@example.com'

test('a refusal is published with what refused and for how long, never with whom', async () => {
  const events = heard('denied')
  const policies = { api: { limits: ['1/1m fixed'] } }
  const limiter = createRateLimiter({
    backend: memoryBackend({ clock: new FakeClock() }),
    policies,
    tiers: { pro: {} },
  })
  await limiter.check('api', SUBJECT, { tier: 'pro' })
  await limiter.peek('api', SUBJECT, { tier: 'pro' })
  expect(events).toEqual([])
  await limiter.check('api', SUBJECT, { tier: 'pro' })
  const facts = { backend: 'memory', policy: 'api', tier: 'pro', outcome: 'limited', violated: ['api'] }
  expect(events).toEqual([['denied', { ...facts, retryAfterMs: 60_000, degraded: false, remembered: false }]])
  expect(JSON.stringify(events)).not.toContain('ada')
})

test('a limit that comes near its end is told once on the way', async () => {
  const events = heard('near-limit')
  const policies = { api: { limits: ['10/1m fixed', '1000/1d fixed'] } }
  const limiter = createRateLimiter({ backend: memoryBackend({ clock: new FakeClock() }), policies })
  for (let i = 0; i < 10; i += 1) await limiter.check('api', SUBJECT)
  const facts = { backend: 'memory', policy: 'api', tier: undefined, limit: 'api-1m', quota: 10, remaining: 2 }
  expect(events).toEqual([['near-limit', facts]])
})

test('a limit that only watches refuses nobody, is not shown, and tells whom it would have refused', async () => {
  const events = heard('denied', 'shadow-denied')
  const policies = { api: { limits: ['5/1m fixed', '2/1h fixed shadow'] } }
  const limiter = createRateLimiter({ backend: memoryBackend({ clock: new FakeClock() }), policies })
  const decisions = []
  for (let i = 0; i < 4; i += 1) decisions.push(await limiter.check('api', SUBJECT))
  expect(decisions.map(({ allowed, limit, violated }) => [allowed, limit, violated])).toEqual(
    Array(4).fill([true, 5, []]),
  )
  expect(decisions.map(({ limits }) => limits[1]?.violated)).toEqual([false, false, true, true])
  expect(events).toHaveLength(2)
  expect(events[0]).toMatchObject(['shadow-denied', { policy: 'api', quota: 2, remaining: 0 }])
})

test('a policy that only watches refuses nobody at all', async () => {
  const policies = { api: { limits: ['1/1m', '1/1h'], shadow: true } }
  const limiter = createRateLimiter({ backend: memoryBackend({ clock: new FakeClock() }), policies })
  for (let i = 0; i < 5; i += 1) expect((await limiter.check('api', SUBJECT)).allowed).toBe(true)
})
