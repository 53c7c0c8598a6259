import { setTimeout as sleep } from 'node:timers/promises'
import { freshVhost, leakCheck, tcpProxy } from '@plinth/testing'
import { connect } from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { alone } from '../src/brokers/rabbitmq/alone.js'
import { RabbitLink, type RabbitSession } from '../src/brokers/rabbitmq/rabbit-link.js'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { createTasks, defineTask } from '../src/index.js'

leakCheck()

async function session(url: string): Promise<RabbitSession> {
  const link = new RabbitLink({ urls: [url], connectMs: 20_000, heartbeatSeconds: 10, prepare: async () => {} })
  onTestFinished(() => link.close())
  return link.use({ deadlineMs: 30_000 })
}

test('of what goes by one name only one is done at a time, in one session and in several', async () => {
  const url = await freshVhost()
  const sessions = await Promise.all([session(url), session(url)])
  let [done, inside] = [0, 0]
  const work = async (): Promise<void> => {
    inside += 1
    expect(inside).toBe(1)
    await sleep(5)
    inside -= 1
    done += 1
  }
  await Promise.all(sessions.flatMap((one) => [1, 2, 3].map(() => alone(one, 'plinth.test.lock', work))))
  expect(done).toBe(6)
}, 180_000)

test('who waits has its turn when the connection of the one before it is gone, and what failed keeps nobody out', async () => {
  const url = await freshVhost()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const [far, near] = [await session(proxy.url), await session(url)]
  let begun = (): void => {}
  const begins = new Promise<void>((resolve) => {
    begun = resolve
  })
  const stuck = alone(far, 'plinth.test.lock', async () => {
    begun()
    await new Promise<void>((resolve) => far.over.addEventListener('abort', () => resolve(), { once: true }))
    throw new Error('cut off')
  })
  const failed = expect(stuck).rejects.toThrow('cut off')
  await begins
  const turn = alone(near, 'plinth.test.lock', async () => expect(far.over.aborted).toBe(true))
  proxy.cut()
  await Promise.all([failed, turn])
  await expect(alone(near, 'plinth.test.lock', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await alone(near, 'plinth.test.lock', async () => {})
}, 180_000)

test('what lies in a queue that nobody has set up for good is kept, and run', async () => {
  const url = await freshVhost()
  const ran: string[] = []
  const task = defineTask({ name: 'kept', run: (text: string) => void ran.push(text) })
  const before = createTasks({ broker: rabbitmqBroker({ url }), tasks: [task] })
  const { id } = await before.enqueue(task, 'early')
  await before.close()
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.deleteExchange('plinth.v1.default.settled')
  await connection.close()

  const after = createTasks({ broker: rabbitmqBroker({ url }), tasks: [task] })
  onTestFinished(() => after.close())
  await after.worker().start()
  await after.handle(task, id).result({ timeout: '30s' })
  expect(ran).toEqual(['early'])
}, 180_000)
