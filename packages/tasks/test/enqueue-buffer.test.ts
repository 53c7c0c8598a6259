import { type RabbitmqServer, type RedisServer, spawnTypescript, startRabbitmq, startRedis } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask, EnqueueBufferFullError, type TaskBroker, type TasksOptions } from '../src/index.js'

const runs: number[] = []
const note = defineTask({ name: 'note', run: (n: number) => void runs.push(n) })

function serviceOn(broker: TaskBroker, when: TasksOptions['enqueueWhenDown'] = 'buffer') {
  const errors: object[] = []
  const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void errors.push(facts) }
  const tasks = createTasks({ broker, tasks: [note], enqueueWhenDown: when, enqueueTimeout: '1s', logger })
  return { tasks, errors }
}

describe.each<[string, () => Promise<RedisServer | RabbitmqServer>, (url: string) => TaskBroker]>([
  ['redis', () => startRedis({ aof: true }), (url) => redisBroker({ url })],
  ['rabbitmq', () => startRabbitmq(), (url) => rabbitmqBroker({ url })],
])('on %s', (_name, startServer, brokerOf) => {
  let server: RedisServer | RabbitmqServer
  /** The last tests need it no more. */
  let isDown = false

  beforeAll(async () => {
    server = await startServer()
    // A RabbitMQ that is killed in the first seconds of a stream's life does not find that stream again.
    const { tasks } = serviceOn(brokerOf(server.url))
    await tasks.open({ deadlineMs: 60_000 })
    await tasks.enqueue(note, 0, { deadline: '30s' })
    await tasks.dead.list()
    await tasks.close()
    await server.stop()
    await server.restart()
  }, 120_000)
  afterAll(() => server.close(), 60_000)

  test('what the server may have taken before it froze is handed over under its id, and runs once', {
    timeout: 120_000,
  }, async () => {
    const { tasks } = serviceOn(brokerOf(server.url))
    await tasks.worker().start()
    await (await tasks.enqueue(note, 0)).result({ timeout: '60s' })
    runs.length = 0
    await server.freeze()
    const handle = await tasks.enqueue(note, 1, { deadline: '300ms' })
    expect(await handle.status()).toBe('buffered')
    await server.thaw()
    await handle.result({ timeout: '60s' })
    expect(runs).toEqual([1])
    await tasks.close()
  })

  test('what is enqueued while the server is away is kept, and runs once when it is back', {
    timeout: 180_000,
  }, async () => {
    const { tasks } = serviceOn(brokerOf(server.url))
    await tasks.worker({ concurrency: 5 }).start()
    await (await tasks.enqueue(note, 0)).result({ timeout: '60s' })
    runs.length = 0
    await server.kill()
    await expect.poll(() => tasks.available, { timeout: 30_000 }).toBe(false)
    const handles = []
    for (let n = 1; n <= 20; n += 1) handles.push(await tasks.enqueue(note, n))
    const many = await tasks.enqueueMany(note, [{ input: 21 }, { input: 22 }])
    for (const { handle } of many) if (handle !== undefined) handles.push(handle)
    expect(tasks.buffered).toBe(22)
    expect(await handles[3]?.status()).toBe('buffered')
    expect(await handles[21]?.cancel()).toBe('cancelled')
    await expect(handles[21]?.result()).rejects.toMatchObject({ code: 'TASK_CANCELLED' })
    await server.restart()
    await Promise.all(handles.slice(0, 21).map((handle) => handle.result({ timeout: '90s' })))
    expect(tasks.buffered).toBe(0)
    expect([...runs].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, n) => n + 1))
    expect(await handles[0]?.status()).toBe('completed')
    await tasks.close()
  })

  test('beyond its bounds an enqueue is refused by name, and closing says what is lost', {
    timeout: 120_000,
  }, async () => {
    const { tasks, errors } = serviceOn(brokerOf(server.url), { max: 2 })
    if (!isDown) await server.kill()
    isDown = true
    await tasks.enqueue(note, 1)
    await tasks.enqueue(note, 2)
    await expect(tasks.enqueue(note, 3)).rejects.toThrow(EnqueueBufferFullError)
    await tasks.close({ deadline: '200ms' })
    expect(errors).toContainEqual(expect.objectContaining({ lost: 2 }))
    expect(tasks.buffered).toBe(0)
  })

  test('a task that waits for too long is given up, with a line that says so', { timeout: 120_000 }, async () => {
    const { tasks, errors } = serviceOn(brokerOf(server.url), { maxAge: 1 })
    if (!isDown) await server.kill()
    isDown = true
    const handle = await tasks.enqueue(note, 1)
    await expect(handle.result({ timeout: '60s' })).rejects.toMatchObject({ code: 'TASK_RESULT_UNAVAILABLE' })
    expect(errors).toContainEqual(expect.objectContaining({ id: handle.id, task: 'note' }))
    await tasks.close()
  })
})

test('a process that only enqueues is told that its broker is away, and does not end without a word', async () => {
  const child = spawnTypescript(new URL('lonely-enqueue-child.ts', import.meta.url), [])
  expect(await child.ended).toEqual({ code: 0, signal: null })
  expect(child.output).toContain('rabbitmq BACKEND_UNAVAILABLE')
  expect(child.output).toContain('redis BACKEND_UNAVAILABLE')
}, 60_000)
