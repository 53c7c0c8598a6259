import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInfra, defineComponent, type InfraOptions, StartError } from '@plinth/app-factory'
import { ConfigError } from '@plinth/config'
import { BackendUnavailableError, type Logger, MisconfiguredError } from '@plinth/core'
import { defineTask } from '@plinth/tasks'
import { expect, onTestFinished, test, vi } from 'vitest'

const env = { EMAIL_TRANSPORT: 'memory', NODE_ENV: 'test' }

function recordingLogger() {
  const lines: string[] = []
  const write = (_: unknown, message: string): void => void lines.push(message)
  const logger: Logger = { debug: () => {}, info: write, warn: write, error: write }
  return { logger, lines }
}

async function started(options: InfraOptions = {}) {
  const infra = await createInfra({ env, logger: recordingLogger().logger, ...options })
  onTestFinished(async () => void (await infra.close()))
  return infra
}

test('with nothing configured every component works, in process', async () => {
  const infra = await started()
  await infra.cache.set('greeting', 'hello', { ttl: '1m' })
  expect(await infra.cache.get('greeting')).toBe('hello')
  const decision = await infra.rateLimiter.check('default', 'user:1')
  expect(decision.allowed).toBe(true)
  const mail = await infra.email.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hello' }, { queue: true })
  expect(mail.status).toBe('queued')
  expect(Object.values(infra.status()).map(({ name, state }) => `${name} ${state}`)).toEqual([
    'cache healthy',
    'rateLimiter healthy',
    'email healthy',
    'tasks healthy',
  ])
  expect(infra.health('ready')).toEqual({ status: 'pass', httpStatus: 200 })
})

test('the start is told as one table', async () => {
  const { logger, lines } = recordingLogger()
  await started({ logger })
  const tables = lines.filter((line) => line.includes('component'))
  expect(tables).toHaveLength(1)
  expect(tables[0]).toMatch(/cache +healthy +memory +in process +no/)
})

test.each(['CACHE', 'RATE_LIMITER', 'TASKS', 'EMAIL'])(
  '%s_ENABLED=false leaves the same object, which does nothing and says so',
  async (name) => {
    const infra = await started({ env: { ...env, [`${name}_ENABLED`]: 'false' } })
    await useEverything(infra)
    const off = Object.values(infra.status()).filter(({ state }) => state === 'disabled')
    expect(off).toHaveLength(1)
  },
)

test('with all four off the same code runs', async () => {
  const switches = ['CACHE', 'RATE_LIMITER', 'TASKS', 'EMAIL'].map((name) => [`${name}_ENABLED`, 'false'])
  const infra = await started({ env: { ...env, ...Object.fromEntries(switches) } })
  const { value, decision, mail } = await useEverything(infra)
  expect(value).toBe('computed')
  expect(decision.allowed).toBe(true)
  expect(mail).toEqual({ status: 'skipped', reason: 'disabled' })
  expect(infra.health('ready').status).toBe('pass')
})

test('with tasks off a queued send goes out at once instead of waiting for nobody', async () => {
  const infra = await started({ env: { ...env, TASKS_ENABLED: 'false' } })
  const mail = await infra.email.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hello' }, { queue: true })
  expect(mail.status).toBe('sent')
})

async function useEverything(infra: Awaited<ReturnType<typeof started>>) {
  await infra.cache.set('key', 'value')
  const value = await infra.cache.getOrSet('other', async () => 'computed')
  const decision = await infra.rateLimiter.check('default', 'user:1')
  const mail = await infra.email.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hello' })
  return { value, decision, mail }
}

test('everything that is wrong in the environment is listed together', async () => {
  const broken = createInfra({ env: { CACHE_BACKEND: 'reddis', DEFAULT_CACHE_EXPIRATION: 'abc', PORT: '70000' } })
  const error = await broken.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  for (const name of ['CACHE_BACKEND', 'DEFAULT_CACHE_EXPIRATION', 'PORT']) expect(String(error)).toContain(name)
})

test('a component of your own is typed by its name, started, shown and closed', async () => {
  const said: string[] = []
  const search = defineComponent({
    name: 'search',
    backend: 'toy',
    create: () => ({ query: (text: string) => [text.toUpperCase()] }),
    start: async () => void said.push('start'),
    close: async () => void said.push('close'),
  })
  const infra = await createInfra({ env, components: [search], logger: recordingLogger().logger })
  expect(infra.search.query('a')).toEqual(['A'])
  expect(infra.status()).toMatchObject({ search: { state: 'healthy', backend: 'toy' } })
  await infra.close()
  expect(said).toEqual(['start', 'close'])
})

test('an outage of an optional component degrades, and it comes back by itself', async () => {
  let there = false
  const flaky = defineComponent({
    name: 'flaky',
    create: () => ({}),
    start: async () => {
      if (!there) throw new BackendUnavailableError('not yet', { reason: 'closed' })
    },
  })
  const infra = await createInfra({ env, components: [flaky], logger: recordingLogger().logger })
  onTestFinished(async () => void (await infra.close()))
  expect(infra.status()).toMatchObject({ flaky: { state: 'degraded', reason: 'outage' } })
  expect(infra.health('ready')).toEqual({ status: 'warn', httpStatus: 200 })
  there = true
  await infra.whenHealthy('flaky', { timeoutMs: 10_000 })
  expect(infra.health('ready').status).toBe('pass')
})

test('mistakes of several components stop the start together, and what had started is closed', async () => {
  const closed: string[] = []
  const good = defineComponent({ name: 'good', create: () => ({}), close: async () => void closed.push('good') })
  const wrong = (name: string) =>
    defineComponent({
      name,
      create: () => ({}),
      start: () => Promise.reject(new MisconfiguredError(`${name} has no password`)),
    })
  const error = await createInfra({
    env,
    components: [good, wrong('one'), wrong('two')],
    logger: recordingLogger().logger,
  }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StartError)
  expect(String(error)).toContain('one has no password')
  expect(String(error)).toContain('two has no password')
  expect(closed).toEqual(['good'])
})

test('a required component that is away stops the start', async () => {
  const away = defineComponent({
    name: 'away',
    required: true,
    create: () => ({}),
    start: () => Promise.reject(new BackendUnavailableError('nobody there', { reason: 'closed' })),
  })
  await expect(createInfra({ env, components: [away], logger: recordingLogger().logger })).rejects.toThrow(
    'nobody there',
  )
})

test('health is served as Web responses, and everything else is left alone', async () => {
  const infra = await started()
  const ready = await infra.fetch(new Request('http://localhost/readyz'))
  expect(ready?.status).toBe(200)
  expect(await ready?.json()).toEqual({ status: 'pass' })
  expect(await infra.fetch(new Request('http://localhost/posts'))).toBeUndefined()
  infra.beginDrain()
  expect((await infra.fetch(new Request('http://localhost/readyz')))?.status).toBe(503)
  expect((await infra.fetch(new Request('http://localhost/livez')))?.status).toBe(200)
})

test('in development the mail that was not sent can be read in the mailbox', async () => {
  const infra = await started()
  await infra.email.sendMessage({ to: 'ada@example.com', subject: 'Look here', text: 'Hello' })
  const page = await infra.fetch(new Request('http://localhost/__plinth/mailbox'))
  expect(page?.status).toBe(200)
  expect(await page?.text()).toContain('Look here')
})

test("Postmark's webhooks are received where they are configured, and strangers get 401", async () => {
  const infra = await started({
    email: { postmarkEndpoint: 'http://127.0.0.1:9' }, // nobody there: what is received does not need it
    env: {
      EMAIL_TRANSPORT: 'postmark',
      EMAIL_SENDER_ADDRESS: 'shop@example.com',
      POSTMARK_SERVER_TOKEN: 'POSTMARK_API_TEST',
      POSTMARK_WEBHOOK_USERNAME: 'postmark',
      POSTMARK_WEBHOOK_PASSWORD: 'a-long-webhook-password',
      STARTUP_TIMEOUT: '100ms',
    },
  })
  const deliver = (password: string) =>
    infra.fetch(
      new Request('http://localhost/webhooks/postmark', {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`postmark:${password}`)}` },
        body: JSON.stringify({
          RecordType: 'Delivery',
          MessageID: 'm-1',
          Recipient: 'ada@example.com',
          DeliveredAt: '2026-11-20T10:00:00Z',
        }),
      }),
    )
  expect((await deliver('wrong'))?.status).toBe(401)
  expect((await deliver('a-long-webhook-password'))?.status).toBe(200)
})

test.each([
  ['throw', 'is an error'],
  ['buffer', 'waits in this process'],
])('with TASKS_ENQUEUE_WHEN_DOWN=%s an enqueue while the broker is away %s', { timeout: 60_000 }, async (when) => {
  const note = defineTask({ name: 'note', run: async (_text: string) => {} })
  const away = { TASKS_BROKER: 'redis', TASKS_REDIS_URL: 'redis://127.0.0.1:1', TASKS_ENQUEUE_WHEN_DOWN: when }
  const infra = await started({ env: { ...env, ...away }, tasks: [note] })
  const answer = await infra.tasks.enqueue(note, 'hello').then(
    (handle) => handle.status(),
    (error: unknown) => error,
  )
  if (when === 'buffer') expect(answer).toBe('buffered')
  else expect(answer).toBeInstanceOf(BackendUnavailableError)
})

test('with TASKS_MEMORY_JOURNAL a task in memory outlives its process, and a second process is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-infra-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const note = defineTask({ name: 'note', run: (text: string) => text })
  const options = { env: { ...env, TASKS_MEMORY_JOURNAL: join(directory, 'journal') }, tasks: [note] }
  const first = await started(options)
  const { id } = await first.tasks.enqueue(note, 'hello', { delay: '1h' })
  await expect(started(options)).rejects.toBeInstanceOf(StartError)
  await first.close()

  const second = await started(options)
  expect(second.status().tasks).toMatchObject({ state: 'healthy', target: options.env.TASKS_MEMORY_JOURNAL })
  expect(await second.tasks.handle(note, id).status()).toBe('delayed')
})

test.each([
  ['true', 'waits for the disk'],
  ['false', 'does not wait for the disk'],
])('with TASKS_MEMORY_JOURNAL_SYNC=%s an enqueue %s', async (sync, _what) => {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-infra-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const note = defineTask({ name: 'note', run: (text: string) => text })
  const journal = { TASKS_MEMORY_JOURNAL: join(directory, 'journal'), TASKS_MEMORY_JOURNAL_SYNC: sync }
  const infra = await started({ env: { ...env, ...journal }, tasks: [note] })
  await using some = await open(join(directory, 'some'), 'w')
  const written = vi.spyOn(Object.getPrototypeOf(some), 'datasync')
  onTestFinished(() => written.mockRestore())
  await infra.tasks.enqueue(note, 'hello', { delay: '1h' })
  expect(written.mock.calls.length > 0).toBe(sync === 'true')
})
