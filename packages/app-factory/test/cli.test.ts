import { freshRedis, sharedMemcached } from '@plinth/testing'
import { expect, test } from 'vitest'
import { runCli } from '../src/cli/main.js'

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const written = { out: '', err: '' }
  const code = await runCli(args, {
    env,
    stdout: {
      write: (text) => {
        written.out += text
      },
    },
    stderr: {
      write: (text) => {
        written.err += text
      },
    },
  })
  return { code, ...written }
}

test('doctor looks at every Redis: database, latency, version, clock, and who shares it', async () => {
  const redis = await freshRedis({ config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] })
  const { code, out } = await run(['doctor'], {
    REDIS_URL: redis.url,
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
  })
  expect(out).toMatch(/✓ connection +127\.0\.0\.1:\d+\/0, database verified, answers in \d/)
  expect(out).toMatch(/127\.0\.0\.1:\d+\/1, database verified/)
  expect(out).toMatch(/127\.0\.0\.1:\d+\/3, database verified/)
  expect(out).toMatch(/Redis 7\./)
  expect(out).toContain('! maxmemory-policy')
  expect(out).toContain('keys of rate limits and tasks are evicted')
  expect(out).toContain('0 faults, 1 warning')
  expect(code).toBe(0)
})

test('doctor answers for machines, too', async () => {
  const { code, out } = await run(['doctor', '--json'], {
    CACHE_BACKEND: 'memcached',
    MEMCACHED_SERVERS: await sharedMemcached(),
  })
  const { ok, findings } = JSON.parse(out)
  expect(ok).toBe(true)
  expect(code).toBe(0)
  expect(findings).toContainEqual(expect.objectContaining({ subject: 'cache', check: 'connection', status: 'ok' }))
})

test('a wrong password, a database that does not exist and a server that is away are faults, and no secret is shown', async () => {
  const locked = await freshRedis({ password: 'right' })
  const open = await freshRedis()
  const { code, out } = await run(['doctor'], {
    CACHE_BACKEND: 'redis',
    CACHE_REDIS_PORT: String(locked.port),
    CACHE_REDIS_PASSWORD: 'hunter2hunter2',
    RATE_LIMITER_BACKEND: 'redis',
    RATE_LIMITER_REDIS_PORT: String(open.port),
    RATE_LIMITER_REDIS_DB: '99',
    TASKS_BROKER: 'redis',
    TASKS_REDIS_PORT: '1',
  })
  expect(code).toBe(1)
  expect(out).toMatch(/✗ connection +.*WRONGPASS/)
  expect(out).toMatch(/✗ connection +.*99/)
  expect(out).toMatch(/✗ connection +.*ECONNREFUSED/)
  expect(out).toContain('3 faults')
  expect(out).not.toContain('hunter2')
})

test('a broken environment is listed whole', async () => {
  const { code, out } = await run(['doctor'], { CACHE_BACKEND: 'reddis', PORT: '70000' })
  expect(code).toBe(1)
  expect(out).toContain('CACHE_BACKEND')
  expect(out).toContain('PORT')
})

test('config explain shows where each value came from and hides secrets', async () => {
  const { code, out } = await run(['config', 'explain'], {
    CACHE_BACKEND: 'redis',
    REDIS_URL: 'redis://:hunter2@127.0.0.1:6379',
    EMAIL_TRANSPORT: 'postmark',
    EMAIL_SENDER_ADDRESS: 'a@example.com',
    POSTMARK_SERVER_TOKEN: 'token-token-token',
  })
  expect(code).toBe(0)
  expect(out).toMatch(/CACHE_BACKEND=redis \(from the environment\)/)
  expect(out).not.toContain('hunter2')
  expect(out).not.toContain('token-token')
})

test('config example lists every variable', async () => {
  const { code, out } = await run(['config', 'example'])
  expect(code).toBe(0)
  for (const name of ['CACHE_BACKEND', 'RATE_LIMITER_ON_OUTAGE', 'TASKS_BROKER', 'POSTMARK_SERVER_TOKEN', 'PORT'])
    expect(out).toContain(name)
})

test('an unknown command says what there is, with exit code 2', async () => {
  const { code, err } = await run(['docter'])
  expect(code).toBe(2)
  expect(err).toContain('there is no command "docter"')
  expect(err).toContain('plinth doctor')
})
