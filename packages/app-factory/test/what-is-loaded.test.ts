import { spawnTypescript } from '@plinth/testing'
import { expect, test } from 'vitest'

interface Report {
  readonly loaded: readonly string[]
  readonly plinth: readonly string[]
}

const file = new URL('./processes/report-loaded.ts', import.meta.url)

async function reportOf(env: Record<string, string>): Promise<Report> {
  const child = spawnTypescript(file, [], { env: { NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory', ...env } })
  const report = await child.receive<Report>()
  expect(await child.ended).toEqual({ code: 0, signal: null }) // nobody closed anything: no timer may hold the process
  return report
}

test('importing the factory loads no client library', async () => {
  expect((await reportOf({ CREATE: 'no' })).loaded).toEqual([])
})

test('on embedded defaults no client library is loaded, and the process ends by itself', async () => {
  const { loaded, plinth } = await reportOf({})
  expect(loaded).toEqual([])
  expect(plinth).toContain('cache/src/index.ts')
  expect(plinth.filter((path) => path.includes('brokers/memory-journal/'))).toEqual([])
})

test('a component that is off loads nothing of its backend, even when one is configured', async () => {
  const { loaded, plinth } = await reportOf({
    CACHE_ENABLED: 'false',
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_ENABLED: 'false',
    RATE_LIMITER_BACKEND: 'memcached',
    TASKS_ENABLED: 'false',
    TASKS_BROKER: 'rabbitmq',
    EMAIL_ENABLED: 'false',
    EMAIL_TRANSPORT: 'postmark',
  })
  expect(loaded).toEqual([])
  expect(
    plinth.filter((path) =>
      /backends\/(redis|memcached)|brokers\/(redis|rabbitmq)|transports\/(postmark|smtp)/.test(path),
    ),
  ).toEqual([])
})
