import { channel } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { leakCheck, type RedisServer, startMemcached, startRedis, type TcpProxy, tcpProxy } from '@plinth/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { memcachedBackend } from '../src/backends/memcached.js'
import { redisBackend } from '../src/backends/redis.js'
import type { OutageEvent } from '../src/decision/limiter-events.js'
import { limitRequest } from '../src/http/index.js'
import { createRateLimiter, type RateLimitBackend } from '../src/index.js'

leakCheck()

/** A backend whose server and network can be hurt. */
interface Setup {
  readonly backend: RateLimitBackend
  readonly proxy: TcpProxy
  readonly server: Pick<RedisServer, 'kill' | 'restart' | 'freeze' | 'thaw'>
}

const setups: Readonly<Record<string, () => Promise<Setup>>> = {
  async redis() {
    const server = await startRedis()
    const proxy = await tcpProxy(server)
    const connection = await openRedis({ url: proxy.url })
    onTestFinished(async () => {
      for (const part of [connection, proxy, server]) await part.close()
    })
    return { backend: redisBackend(connection), proxy, server }
  },
  async memcached() {
    const server = await startMemcached()
    const proxy = await tcpProxy(server)
    const connection = openMemcached({ servers: proxy.url })
    await connection.whenReady()
    onTestFinished(async () => {
      for (const part of [connection, proxy, server]) await part.close()
    })
    return { backend: memcachedBackend(connection), proxy, server }
  },
}

interface Fault {
  readonly begin: (setup: Setup) => unknown
  readonly end: (setup: Setup) => unknown
  /** Why the first check is not decided by the backend. */
  readonly reason: 'deadline' | 'unavailable'
}

const faults: Readonly<Record<string, Fault>> = {
  refused: { begin: ({ proxy }) => proxy.refuse(), end: ({ proxy }) => proxy.pass(), reason: 'unavailable' },
  'black-holed': { begin: ({ proxy }) => proxy.blackHole(), end: ({ proxy }) => proxy.pass(), reason: 'deadline' },
  frozen: { begin: ({ server }) => server.freeze(), end: ({ server }) => server.thaw(), reason: 'deadline' },
  slow: { begin: ({ proxy }) => proxy.delay(1_100), end: ({ proxy }) => proxy.pass(), reason: 'deadline' },
}

const policies = {
  local: { limits: ['8/1h'] },
  open: { limits: ['8/1h'], onOutage: 'open' },
  closed: { limits: ['8/1h'], onOutage: 'closed' },
} as const

/** Long enough for a server that is well on a busy machine. The default is measured in bench/outage.bench.ts. */
const deadline = '500ms'
const limiterOn = (backend: RateLimitBackend) => createRateLimiter({ backend, policies, instances: 4, deadline })

const unhandled: unknown[] = []
const outages: string[] = []
const note = (error: unknown): void => void unhandled.push(error)
const [degraded, recovered] = [channel('plinth:rate-limit:degraded'), channel('plinth:rate-limit:recovered')]
const noteDown = (event: unknown): void => void outages.push(`down: ${(event as OutageEvent).reason}`)
const noteBack = (): void => void outages.push('back')

beforeEach(() => {
  process.on('unhandledRejection', note)
  degraded.subscribe(noteDown)
  recovered.subscribe(noteBack)
})
afterEach(() => {
  process.off('unhandledRejection', note)
  degraded.unsubscribe(noteDown)
  recovered.unsubscribe(noteBack)
  outages.length = 0
  expect(unhandled.splice(0)).toEqual([])
})

/** How many turns of the event loop pass until `work` is done: nothing that waits for a server or a timer takes only a few. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isDone = false
  const turn = (): void => {
    turns += 1
    if (!isDone) void setImmediate().then(turn)
  }
  void setImmediate().then(turn)
  await work()
  isDone = true
  return turns
}

describe.each(Object.keys(setups))('while %s is', (kind) => {
  test.each(Object.entries(faults))(
    '%s, each policy answers as it says, in time, then at no cost, and all is well again afterwards',
    {
      timeout: 60_000,
    },
    async (_, fault) => {
      const setup = await (setups[kind] as () => Promise<Setup>)()
      const limiter = limiterOn(setup.backend)
      expect(await limiter.check('local', 'before')).toMatchObject({ allowed: true, degraded: false })
      await fault.begin(setup)

      // nothing but the limiter's own deadline ends a call to a server that is silent
      const first = await limiter.check('local', 'first')
      expect(first).toMatchObject({ allowed: true, degraded: true, degradedReason: fault.reason })
      while (setup.backend.available) {
        const calls = Array.from({ length: 5 }, async (_none, i) => {
          for (let turn = 0; turn < i; turn += 1) await setImmediate() // calls of one turn would share a command
          return limiter.check('open', 'first')
        })
        for (const decision of await Promise.all(calls)) expect(decision.degraded).toBe(true)
      }

      const counts = { local: 0, open: 0, closed: 0 }
      const check = async (policy: keyof typeof counts): Promise<void> => {
        const { allowed, degraded, degradedReason } = await limiter.check(policy, 'u')
        expect([degraded, degradedReason]).toEqual([true, 'unavailable'])
        if (allowed) counts[policy] += 1
      }
      const turns = await turnsOf(async () => {
        for (let i = 0; i < 20; i += 1) await Promise.all([check('local'), check('open'), check('closed')])
      })
      expect(counts).toEqual({ local: 2, open: 20, closed: 0 })
      expect(turns).toBeLessThan(5)

      const facts = { method: 'GET', route: '/', peer: '192.0.2.1' }
      const refused = await limitRequest(limiter, facts, { policy: 'closed' })
      expect(refused).toMatchObject({ allowed: false, status: 503 })
      expect(refused.headers).toMatchObject({ 'Retry-After': '1', 'Cache-Control': 'no-store' })
      expect(JSON.parse(refused.allowed ? '' : refused.body)).toMatchObject({
        type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
        status: 503,
      })
      expect(await limitRequest(limiter, facts, { policy: 'open' })).toMatchObject({ allowed: true })
      expect(outages).toEqual([`down: ${fault.reason}`])

      await fault.end(setup)
      const isBack = async (): Promise<boolean> => !(await limiter.check('open', 'back')).degraded
      await expect.poll(isBack, { timeout: 20_000, interval: 20 }).toBe(true)
      const after = []
      for (let i = 0; i < 12; i += 1) after.push(await limiter.check('local', 'after'))
      expect(after.filter(({ allowed, degraded }) => allowed && !degraded)).toHaveLength(8)
      expect(outages).toEqual([`down: ${fault.reason}`, 'back'])
      await limiter.close()
    },
  )

  test('killed while calls are under way, they are all answered, and the limiter comes back with the server', {
    timeout: 60_000,
  }, async () => {
    const setup = await (setups[kind] as () => Promise<Setup>)()
    const limiter = createRateLimiter({ backend: setup.backend, policies, instances: 4, deadline: '10s' })
    await limiter.check('local', 'before')
    await setup.server.freeze()
    const underWay = Promise.all(Array.from({ length: 30 }, () => limiter.check('local', 'u')))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await setup.server.kill()
    const decisions = await underWay
    expect(decisions.every(({ degraded, degradedReason }) => degraded && degradedReason === 'unavailable')).toBe(true)
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(2)
    await setup.server.restart()
    const isBack = async (): Promise<boolean> => !(await limiter.check('open', 'back')).degraded
    await expect.poll(isBack, { timeout: 20_000, interval: 20 }).toBe(true)
    await limiter.close()
  })
})
