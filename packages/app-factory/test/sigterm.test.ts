import { freshRedis, spawnTypescript } from '@plinth/testing'
import { expect, test } from 'vitest'

const REQUESTS = 200

async function serving(env: Readonly<Record<string, string>>) {
  const app = spawnTypescript(new URL('processes/serve-until-signal.ts', import.meta.url), [], {
    env: { NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory', EXPECTED: String(REQUESTS), ...env },
  })
  const { port } = await app.receive<{ port?: number }>(({ port: at }) => at !== undefined)
  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
  return { app, get }
}

test('a SIGTERM under load: readiness goes off before the listener closes, every accepted request is answered, exit 0', async () => {
  const { app, get } = await serving({ SHUTDOWN_DRAIN_DELAY: '2s', WORK_MS: '3000', DEADLINE_MS: '10000' })
  expect((await get('/readyz')).status).toBe(200)
  const answers = Array.from({ length: REQUESTS }, async () => {
    const response = await get('/work')
    return `${response.status} ${await response.text()}`
  })
  await app.receive<{ inFlight?: number }>(({ inFlight }) => inFlight === REQUESTS)
  app.signal('SIGTERM')
  await expect.poll(async () => (await get('/readyz')).status, { interval: 20, timeout: 5000 }).toBe(503)
  expect(await app.receive()).toEqual({ listenerClosing: true })
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['200 answered']))
  expect(await app.receive()).toEqual({ clean: true })
  expect(await app.ended).toEqual({ code: 0, signal: null })
})

test('a SIGTERM while Redis is frozen: accepted requests are answered, and the process ends within its deadline', async () => {
  const redis = await freshRedis()
  const { app, get } = await serving({
    REDIS_URL: redis.url,
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
    WORK_MS: '800',
    DEADLINE_MS: '5000',
  })
  const answers = Array.from({ length: REQUESTS }, async () => (await get('/work')).text())
  await app.receive<{ inFlight?: number }>(({ inFlight }) => inFlight === REQUESTS)
  await redis.freeze()
  const began = performance.now()
  app.signal('SIGTERM')
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['answered']))
  expect(await app.ended).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(15_000) // its deadline is 5 s; the rest is for a busy machine
  await redis.thaw()
})
