import { createInfra, type Infra } from '@plinth/app-factory'
import type { Env } from '@plinth/config'
import { silentLogger } from '@plinth/core'
import { startMemcached, startRedis, tcpProxy } from '@plinth/testing'

/**
 * What an outage costs the callers of components: a call while the breaker is open beside the same call of a component that
 * is switched off, the first answer when a server falls silent, and how soon all is well after its return.
 *
 * The bounds: p99 at most 1 ms over the disabled component, the first answer at most 20 ms after its deadline, well within 2 s.
 */
const CALLS = 2_000
const ROUNDS = 5
const RETURNS = 3
const DEADLINES_MS = { cache: 500, rateLimiter: 75 }

type Calls = Readonly<Record<'cache' | 'rateLimiter', (infra: Infra) => Promise<unknown>>>

const calls: Calls = {
  cache: (infra) => infra.cache.get('key'),
  rateLimiter: (infra) => infra.rateLimiter.check('default', 'user:42'),
}

function started(env: Env): Promise<Infra> {
  return createInfra({
    env: { EMAIL_ENABLED: 'false', TASKS_ENABLED: 'false', DEFAULT_RATE_LIMIT_LIMIT: '1000000', ...env },
    logger: silentLogger,
  })
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await call()
  return performance.now() - began
}

async function p99Of(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < CALLS; count += 1) times.push(await timed(call))
  return times.toSorted((a, b) => a - b)[Math.floor(CALLS * 0.99)] ?? 0
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function shown(name: string, value: number, bound: number): string {
  return `${name} ${value.toFixed(3)} ms (target: at most ${bound} ms) ${value <= bound ? 'met' : 'NOT MET'}`
}

/** A against B in turns: the breaker open, and the component switched off. */
async function compareWithDisabled(backend: string, away: Infra, off: Infra): Promise<void> {
  for (const [component, call] of Object.entries(calls)) {
    const rounds: { open: number; off: number }[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.push({ open: await p99Of(() => call(away)), off: await p99Of(() => call(off)) })
    }
    const over = median(rounds.map((round) => round.open - round.off))
    console.log(
      `app-factory: ${component} on ${backend}, breaker open: p99 ${median(rounds.map(({ open }) => open)).toFixed(3)} ms, ` +
        shown('over the disabled one', over, 1),
    )
  }
}

interface Subject {
  readonly name: string
  readonly env: (address: { readonly host: string; readonly port: number }) => Env
  readonly start: typeof startRedis | typeof startMemcached
}

const subjects: readonly Subject[] = [
  {
    name: 'Redis',
    start: startRedis,
    env: ({ host, port }) => ({
      REDIS_URL: `redis://${host}:${port}`,
      ...{ CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis' },
    }),
  },
  {
    name: 'Memcached',
    start: startMemcached,
    env: ({ host, port }) => ({
      MEMCACHED_SERVERS: `${host}:${port}`,
      ...{ CACHE_BACKEND: 'memcached', RATE_LIMITER_BACKEND: 'memcached' },
    }),
  },
]

// What reconnects keeps no process alive, and between two attempts there is nothing else.
const alive = setInterval(() => {}, 60_000)
const off = await started({ CACHE_ENABLED: 'false', RATE_LIMITER_ENABLED: 'false' })
for (const { name, env, start } of subjects) {
  const server = await start()
  const proxy = await tcpProxy(server)
  const infra = await started(env(proxy))
  for (const call of Object.values(calls)) for (let count = 0; count < 200; count += 1) await call(infra)

  await proxy.blackHole()
  for (const component of ['cache', 'rateLimiter'] as const) {
    const took = await timed(() => calls[component](infra))
    const late = took - DEADLINES_MS[component]
    console.log(
      `app-factory: ${component} on ${name}, black hole: ${shown('the first answer after its deadline', late, 20)}`,
    )
  }
  while (
    infra.health('ready').status !== 'warn' ||
    Object.values(infra.status()).some(({ state }) => state === 'healthy')
  ) {
    await Promise.all(Object.values(calls).map((call) => call(infra)))
  }
  await compareWithDisabled(name, infra, off)

  const returns: number[] = []
  for (let round = 0; round < RETURNS; round += 1) {
    await proxy.pass()
    returns.push(await timed(() => infra.whenHealthy()))
    await proxy.refuse()
    while (Object.values(infra.status()).some(({ state }) => state === 'healthy')) {
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 700))
    }
  }
  console.log(
    `app-factory: ${name} returns: all is well after a median of ${median(returns).toFixed(0)} ms, ` +
      shown('at most', Math.max(...returns), 2_000),
  )
  await infra.close()
  await proxy.close()
  await server.close()
}
await off.close()
clearInterval(alive)
