import { setTimeout as sleep } from 'node:timers/promises'
import { freshVhost, leakCheck, tcpProxy } from '@plinth/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { TaskBroker } from '../src/broker.js'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { createTasks, defineTask, EnqueueUnknownError, NonRetryableError, type Task, type Tasks } from '../src/index.js'
import { settledVhost } from './settled-vhost.js'

leakCheck()

const ran: string[] = []
const row = defineTask({ name: 'row', keep: { result: '1h' }, run: (text: string) => void ran.push(text) })

function service(url: string, task: Task = row): Tasks {
  const broker: TaskBroker = rabbitmqBroker({ url })
  const tasks = createTasks({ broker, tasks: [task] })
  onTestFinished(() => tasks.close({ deadline: '2s' }))
  return tasks
}

test('an enqueue that was stored and not confirmed is enqueued again under its id or its key, and runs once', async () => {
  const url = await settledVhost()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const [near, far] = [service(url), service(proxy.url)]
  await far.enqueue(row, 'warm')
  await near.enqueue(row, 'warm')
  ran.length = 0

  // Answers come so late that neither the claim nor the message is confirmed in time; both have been stored.
  await proxy.delay(700)
  const options = { idempotencyKey: 'order-17', deadline: 1200 }
  const lost = await far.enqueue(row, 'order', options).catch((error: unknown) => error)
  expect(lost).toBeInstanceOf(EnqueueUnknownError)
  await proxy.pass()
  const again = await near.enqueue(row, 'order', { idempotencyKey: 'order-17' })
  const once = await near.enqueue(row, 'order', { idempotencyKey: 'order-17' })
  expect([again.id, once.id]).toEqual([(lost as EnqueueUnknownError).id, (lost as EnqueueUnknownError).id])

  await near.worker({ concurrency: 2 }).start()
  await service(url).worker({ concurrency: 2 }).start()
  await once.result({ timeout: '20s' })
  await sleep(500)
  expect(ran.filter((text) => text === 'order')).toEqual(['order'])
}, 180_000)

test('who comes after many results begins at a snapshot: dead letters, keys and switches are all there', async () => {
  const url = await settledVhost()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const failing = defineTask({
    name: 'failing',
    retry: { attempts: 1 },
    run: () => {
      throw new Error('no')
    },
  })
  const elsewhere = defineTask({ name: 'elsewhere', queue: 'elsewhere', run: () => {} })
  let runs = 0
  const large = defineTask({
    name: 'large',
    keep: { result: 50 },
    run: (n: number) => ({ n, text: 'x'.repeat(++runs && 20_000) }),
  })
  const make = (address: string): Tasks => {
    const tasks = createTasks({ broker: rabbitmqBroker({ url: address }), tasks: [failing, large, row, elsewhere] })
    onTestFinished(() => tasks.close({ deadline: '2s' }))
    return tasks
  }
  const first = make(url)
  await first.worker({ concurrency: 20 }).start()
  const dead = await first.enqueue(failing)
  await expect(dead.result()).rejects.toMatchObject({ reason: 'attempts' })
  await first.admin.pause('elsewhere')
  const keyed = await first.enqueue(row, 'keyed', { idempotencyKey: 'first' })
  await keyed.result()
  const write = async (count: number): Promise<void> => {
    const already = runs
    await first.enqueueMany(
      large,
      Array.from({ length: count }, (_, n) => ({ input: n })),
    )
    await expect.poll(() => runs - already, { timeout: 20_000 }).toBe(count)
    await sleep(1000)
  }
  // 2.6 MB of results that nobody keeps; at 2 MB the view is carried forward.
  for (const count of [80, 30, 20]) await write(count)

  const later = make(proxy.url)
  await later.open({ deadlineMs: 20_000 })
  expect((await later.dead.list()).map(({ id }) => id)).toEqual([dead.id])
  expect(await later.admin.paused('elsewhere')).toBe(true)
  const again = await later.enqueue(row, 'keyed', { idempotencyKey: 'first' })
  expect(again.id).toBe(keyed.id)
  expect(again.deduplicated).toBe(true)
  expect(proxy.bytesReceived).toBeLessThan(1_900_000)
}, 180_000)

test('a task that is on its way to a worker over a slow line is not started once its cancellation was confirmed', async () => {
  const url = await settledVhost()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const [near, far] = [service(url), service(proxy.url)]
  await near.open({ deadlineMs: 20_000 })
  await far.worker().start()
  const warm = await near.enqueue(row, 'warm')
  await warm.result({ timeout: '20s' })
  ran.length = 0
  await proxy.delay(350)
  const handle = await near.enqueue(row, 'far')
  await handle.cancel()
  const ranBefore = [...ran]
  await proxy.pass()
  await (await near.enqueue(row, 'later')).result({ timeout: '20s' })
  expect(ran).toEqual([...ranBefore, 'later'])
}, 180_000)

test('what a worker could not settle before its deadline runs elsewhere, once, while the process of the worker goes on', async () => {
  const url = await settledVhost()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const started: string[] = []
  const longAt = (where: string) =>
    defineTask({
      name: 'long',
      run: async (_: undefined, { signal }) => {
        started.push(where)
        if (where === 'far') await new Promise((_resolve, reject) => signal.addEventListener('abort', reject))
      },
    })
  const [nearLong, farLong] = [longAt('near'), longAt('far')]
  const [near, far] = [service(url, nearLong), service(proxy.url, farLong)]
  const worker = far.worker()
  await worker.start()
  const handle = await near.enqueue(nearLong)
  await vi.waitFor(() => expect(worker.running).toBe(1), { timeout: 20_000 })
  await proxy.delay(1_500) // that it was handed back is confirmed too late
  await worker.close({ deadline: '1s' })
  await near.worker().start()
  await handle.result({ timeout: '20s' })
  await sleep(3_500) // a second one would come now
  expect(started).toEqual(['far', 'near'])
}, 180_000)

test('a task that is replayed while its worker still stores that it died runs again, and is not taken for a copy', async () => {
  const url = await freshVhost() // its stream is new: an end that is written there is relied on only after a while
  let runs = 0
  const mortal = defineTask({
    name: 'mortal',
    run: () => {
      if (++runs === 1) throw new NonRetryableError('no')
      return runs
    },
  })
  const tasks = createTasks({ broker: rabbitmqBroker({ url }), tasks: [mortal] })
  onTestFinished(() => tasks.close({ deadline: '2s' }))
  await tasks.worker().start()
  const handle = await tasks.enqueue(mortal, undefined, { deadline: '20s' })
  await vi.waitFor(async () => expect((await tasks.dead.replay(handle.id)).replayed).toEqual([handle.id]), {
    timeout: 20_000,
    interval: 10,
  })
  expect(await handle.result({ timeout: '20s' })).toBe(2)
}, 180_000)
