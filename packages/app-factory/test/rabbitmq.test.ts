import { createInfra, type Infra } from '@plinth/app-factory'
import { defineTask } from '@plinth/tasks'
import { freshVhost, inTime, leakCheck, tcpProxy } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'

leakCheck()

const greet = defineTask<{ name: string }, string>({ name: 'greet', run: ({ name }) => `Hello ${name}` })

async function started(url: string, lines: string[] = []): Promise<Infra> {
  const say = (_: unknown, message: string): void => void lines.push(message)
  const infra = await createInfra({
    env: {
      NODE_ENV: 'test',
      CACHE_ENABLED: 'false',
      RATE_LIMITER_ENABLED: 'false',
      EMAIL_ENABLED: 'false',
      TASKS_BROKER: 'rabbitmq',
      RABBITMQ_URL: url,
      STARTUP_TIMEOUT: '2s',
    },
    tasks: [greet],
    worker: true,
    logger: { debug: () => {}, info: say, warn: say, error: say },
  })
  onTestFinished(async () => void (await infra.close({ deadlineMs: 5000 })))
  return infra
}

test('tasks on RabbitMQ: what is enqueued is run and answered, and the status names its place without a password', async () => {
  const url = await freshVhost()
  const infra = await started(url)
  await infra.whenHealthy('tasks', { timeoutMs: 60_000 })
  const handle = await infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await handle.result({ timeout: '20s' })).toBe('Hello Ada')
  const { host, pathname } = new URL(url)
  expect(infra.status().tasks).toMatchObject({ state: 'healthy', backend: 'rabbitmq', target: `${host}${pathname}` })
}, 120_000)

test('with RabbitMQ away the app starts, an enqueue fails fast with a typed error, and the worker resumes by itself', async () => {
  const proxy = await tcpProxy(await freshVhost())
  onTestFinished(() => proxy.close())
  await proxy.refuse()
  const infra = await started(proxy.url)
  expect(infra.health('ready')).toEqual({ status: 'warn', httpStatus: 200 })
  const enqueue = infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await inTime(4_000, enqueue)).toBe(true) // its deadline would be 5 s
  await expect(enqueue).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })

  await proxy.pass()
  await infra.whenHealthy('tasks', { timeoutMs: 60_000 })
  const handle = await infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await handle.result({ timeout: '20s' })).toBe('Hello Ada')
}, 120_000)
