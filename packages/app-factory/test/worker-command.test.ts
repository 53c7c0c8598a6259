import { fileURLToPath } from 'node:url'
import { createInfra } from '@plinth/app-factory'
import { silentLogger } from '@plinth/core'
import { freshRedis, leakCheck, type RedisServer, spawnTypescript, type TypescriptChild } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../src/cli/main.js'
import { slow } from './processes/worker-module.js'

leakCheck()

const settings = { NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory' }

function moduleAt(name: string): string {
  return fileURLToPath(new URL(`processes/${name}`, import.meta.url))
}

function plinth(args: readonly string[], env: Readonly<Record<string, string>> = {}): TypescriptChild {
  return spawnTypescript(new URL('../src/cli/plinth.ts', import.meta.url), args, {
    env: { ...settings, ...env },
    receiveTimeout: 60_000,
  })
}

async function webProcess(redis: RedisServer) {
  const env = { ...settings, TASKS_BROKER: 'redis', REDIS_URL: redis.url }
  const infra = await createInfra({ env, tasks: [slow], logger: silentLogger })
  onTestFinished(async () => void (await infra.close()))
  return infra
}

test.each([
  ['worker-module.ts', 'Hello Ada'],
  ['worker-app.ts', 'Good day Ada'],
])(
  'plinth worker %s runs tasks, and at SIGTERM finishes the one that runs and ends with code 0',
  { timeout: 90_000 },
  async (name, answer) => {
    const redis = await freshRedis()
    const worker = plinth(['worker', moduleAt(name)], { TASKS_BROKER: 'redis', REDIS_URL: redis.url })
    const infra = await webProcess(redis)
    const handle = await infra.tasks.enqueue(slow, { name: 'Ada' })
    await worker.receive<{ started?: string }>(({ started }) => started === 'Ada')
    worker.signal('SIGTERM')
    await worker.receive<{ finished?: string }>(({ finished }) => finished === 'Ada')
    expect(await worker.ended).toEqual({ code: 0, signal: null })
    expect(await handle.result({ timeout: '5s' })).toBe(answer)
    expect(worker.output).toContain('The worker has ended (')
  },
)

test('a worker whose broker is away waits for it, and ends at its signal', { timeout: 90_000 }, async () => {
  const worker = plinth(['worker', moduleAt('worker-module.ts')], {
    TASKS_BROKER: 'redis',
    TASKS_REDIS_PORT: '1',
    STARTUP_TIMEOUT: '100ms',
  })
  await expect.poll(() => worker.output, { timeout: 60_000 }).toContain('takes tasks')
  worker.signal('SIGTERM')
  expect(await worker.ended).toEqual({ code: 0, signal: null })
})

test('a worker that is told to end while it starts does so in order', { timeout: 90_000 }, async () => {
  const redis = await freshRedis()
  const worker = plinth(['worker', moduleAt('slow-start.ts')], { TASKS_BROKER: 'redis', REDIS_URL: redis.url })
  await worker.receive((message) => message === 'starting')
  worker.signal('SIGTERM')
  expect(await worker.ended).toEqual({ code: 0, signal: null })
  expect(worker.output).toContain('The worker has ended (')
})

test('an option that the command does not know is named, and the usage shown', async () => {
  const written: string[] = []
  const stream = { write: (text: string) => written.push(text) }
  expect(await runCli(['worker', '--concurrency', 'x.js'], { env: settings, stdout: stream, stderr: stream })).toBe(2)
  expect(written.join('')).toMatch(/^plinth: Unknown option '--concurrency'\.\n\nUsage:/)
})

test.each([
  [moduleAt('worker-module.ts'), {}, 'Set TASKS_BROKER to redis or rabbitmq'],
  [moduleAt('worker-module.ts'), { TASKS_ENABLED: 'false' }, 'TASKS_ENABLED=false leaves a worker nothing to do'],
  [moduleAt('worker-module.ts'), { TASKS_BROKER: 'reddis' }, 'TASKS_BROKER'],
  [moduleAt('../../src/cli/finding.ts'), {}, 'exports neither "tasks" nor "createInfra"'],
  [moduleAt('no-such-module.ts'), {}, 'There is no file'],
  [moduleAt('no-infra.ts'), {}, 'must answer what createInfra'],
] as const)('plinth worker %s with %j ends with code 1 and says why', async (file, env, words) => {
  const written: string[] = []
  const stream = { write: (text: string) => written.push(text) }
  const code = await runCli(['worker', file], { env: { ...settings, ...env }, stdout: stream, stderr: stream })
  expect(code).toBe(1)
  expect(written.join('')).toContain(words)
})
