import { freshRedis, leakCheck, spawnTypescript } from '@plinth/testing'
import { describe, expect, test } from 'vitest'

leakCheck()

const REQUESTS = 200

interface Message {
  readonly url?: string
  readonly inFlight?: number
  readonly closed?: readonly string[]
  readonly unhandled?: string
}

async function serving(framework: string, env: Readonly<Record<string, string>>) {
  const app = spawnTypescript(new URL('processes/serve-until-signal.ts', import.meta.url), [], {
    env: {
      NODE_ENV: 'test',
      EMAIL_TRANSPORT: 'memory',
      DEFAULT_RATE_LIMIT_LIMIT: '1000000',
      EXPECTED: String(REQUESTS),
      FRAMEWORK: framework,
      ...env,
    },
    receiveTimeout: 60_000,
  })
  const { url } = await app.receive<Message>((message) => message.url !== undefined)
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url + path, { headers })
  const answer = async (path: string): Promise<string> => {
    const response = await get(path, { connection: 'close' })
    return `${response.status} ${await response.text()}`
  }
  const readiness = async (): Promise<number> => {
    const { status } = await get('/readyz', { connection: 'close' })
    return status
  }
  /** All requests are with the handler. */
  const allInFlight = () => app.receive<Message>(({ inFlight }) => inFlight === REQUESTS)
  return { app, get, answer, readiness, allInFlight }
}

/** Short requests over connections that are kept, one after the other, until `isOver`; what was answered otherwise than 200. */
async function steadyLoad(get: (path: string) => Promise<Response>, isOver: () => boolean): Promise<readonly string[]> {
  const failures: string[] = []
  const client = async (): Promise<void> => {
    while (!isOver()) {
      const outcome = await get('/short').then(
        async (response) => `${response.status} ${await response.text()}`,
        (error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error),
      )
      if (outcome !== '200 short') failures.push(outcome)
    }
  }
  await Promise.all(Array.from({ length: 10 }, client))
  return failures
}

describe.each(['express', 'fastify'])('a SIGTERM to an app on %s', (framework) => {
  test('under load: readiness goes off while the listener still takes requests, every accepted one is answered, exit 0', {
    timeout: 120_000,
  }, async () => {
    const env = { SHUTDOWN_DRAIN_DELAY: '2s', WORK_MS: '5000', DEADLINE_MS: '60000', SHUTDOWN_TIMEOUT: '60s' }
    const { app, get, answer, readiness, allInFlight } = await serving(framework, env)
    expect(await readiness()).toBe(200)
    let isOver = false
    const load = steadyLoad(get, () => isOver)
    const answers = Promise.all(Array.from({ length: REQUESTS }, () => answer('/work')))
    await allInFlight()
    app.signal('SIGTERM')
    await expect.poll(readiness, { interval: 20, timeout: 30_000 }).toBe(503) // answered, so it still listens
    isOver = true // as a load balancer does that was told
    expect(await load).toEqual([])
    await expect.poll(() => readiness().catch(() => 'refused'), { interval: 20, timeout: 30_000 }).toBe('refused')
    expect(new Set(await answers)).toEqual(new Set(['200 answered']))
    const { closed } = await app.receive<Message>((message) => message.closed !== undefined)
    expect(closed?.filter((step) => !step.endsWith(' closed'))).toEqual([])
    expect(await app.ended).toEqual({ code: 0, signal: null })
  })

  test('while Redis is frozen: accepted requests are answered, and the process ends within its deadline with code 0', {
    timeout: 120_000,
  }, async () => {
    const redis = await freshRedis()
    const { app, answer, allInFlight } = await serving(framework, {
      REDIS_URL: redis.url,
      ...{ CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' },
      ...{ WORK_MS: '2000', DEADLINE_MS: '15000' },
    })
    const answers = Promise.all(Array.from({ length: REQUESTS }, () => answer('/work')))
    await allInFlight()
    await redis.freeze()
    const began = performance.now()
    app.signal('SIGTERM')
    expect(new Set(await answers)).toEqual(new Set(['200 answered']))
    expect(await app.ended).toEqual({ code: 0, signal: null })
    expect(performance.now() - began).toBeLessThan(30_000) // its deadline is 15 s; the rest is for a busy machine
    await redis.thaw()
  })
})
