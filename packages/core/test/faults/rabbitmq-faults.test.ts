import { createServer } from 'node:http'
import { freePort, leakCheck, type RabbitmqServer, startRabbitmq, tcpProxy } from '@plinth/testing'
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { classifyFault } from '../../src/faults/classify-fault.js'
import { rabbitmqFaults } from '../../src/faults/rabbitmq-faults.js'

leakCheck()

let server: RabbitmqServer

beforeAll(async () => {
  server = await startRabbitmq()
})
afterAll(() => server?.close())

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  )

async function open(url = server.url): Promise<ChannelModel> {
  const connection = await connect(url)
  connection.on('error', () => {})
  onTestFinished(() => connection.close().catch(() => {}))
  return connection
}

async function channel(): Promise<Channel> {
  const own = await (await open()).createChannel()
  own.on('error', () => {})
  return own
}

async function confirmChannel(connection?: ChannelModel): Promise<ConfirmChannel> {
  const own = await (connection ?? (await open())).createConfirmChannel()
  own.on('error', () => {})
  return own
}

function publish(to: ConfirmChannel, queue: string): Promise<unknown> {
  return caught(
    new Promise((resolve, reject) => {
      to.sendToQueue(queue, Buffer.from('x'), {}, (error: unknown) => (error ? reject(error) : resolve('confirmed')))
    }),
  )
}

const produced: Readonly<Record<string, () => Promise<unknown>>> = {
  'rabbitmq/access-refused': () => caught(connect(server.url.replace(/\/\/.*@|\/\//, '//guest:wrong@'))),
  'rabbitmq/access-refused for a name': async () => caught((await channel()).assertExchange('amq.mine', 'direct')),
  'rabbitmq/virtual-host': () => caught(connect(`${server.url.replace(/\/$/, '')}/nowhere`)),
  'rabbitmq/topology': async () => {
    const own = await channel()
    await own.assertQueue('faults.topology', { durable: true })
    return caught(own.assertQueue('faults.topology', { durable: true, maxLength: 3 }))
  },
  'rabbitmq/acknowledged-twice': async () => {
    const own = await channel()
    const error = new Promise((resolve) => own.once('error', resolve))
    await own.assertQueue('faults.ack')
    own.sendToQueue('faults.ack', Buffer.from('x'))
    await own.consume('faults.ack', (message) => {
      if (message === null) return
      own.ack(message)
      own.ack(message)
    })
    return error
  },
  'rabbitmq/not-rabbitmq': async () => {
    const http = createServer((_, response) => response.end())
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void http.close())
    const address = http.address()
    return caught(connect(`amqp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`))
  },
  'rabbitmq/not-found': async () => caught((await channel()).checkQueue('faults.none')),
  'rabbitmq/locked': async () => {
    await (await channel()).assertQueue('faults.exclusive', { exclusive: true })
    return caught((await channel()).checkQueue('faults.exclusive'))
  },
  'rabbitmq/nacked': async () => {
    const own = await confirmChannel()
    await own.assertQueue('faults.full', { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } })
    await publish(own, 'faults.full')
    return publish(own, 'faults.full')
  },
  'rabbitmq/timeout': async () => {
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    await proxy.blackHole()
    return caught(connect(proxy.url, { timeout: 200 }))
  },
  'rabbitmq/closed for what is under way': async () => {
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    const own = await confirmChannel(await open(proxy.url))
    await own.assertQueue('faults.cut')
    await proxy.blackHole()
    const pending = publish(own, 'faults.cut')
    proxy.cut()
    return pending
  },
  'rabbitmq/closed for what comes after': async () => {
    const connection = await open()
    await connection.close()
    try {
      return await connection.createChannel()
    } catch (error) {
      return error
    }
  },
  'network/refused': async () => caught(connect(`amqp://127.0.0.1:${await freePort()}`)),
  'network/tls-mismatch': () => caught(connect(server.url.replace('amqp:', 'amqps:'))),
  // the last, because it ends the server
  'rabbitmq/shutdown': async () => {
    const connection = await open()
    const error = new Promise((resolve) => connection.once('close', resolve))
    await server.stop()
    return error
  },
}

/** What a healthy server cannot be brought to say. */
const recorded: Readonly<Record<string, string>> = {
  'rabbitmq/resource': 'Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"',
}

describe('what RabbitMQ and amqplib say is sorted by the line of the table that is about it', () => {
  test.each(Object.entries(produced))('%s', { timeout: 30_000 }, async (name, produce) => {
    const error = await produce()
    expect(classifyFault(error, 'rabbitmq').rule?.id, String(error)).toBe(name.split(' ')[0])
  })

  test.each(Object.entries(recorded))('%s (recorded)', (id, message) => {
    expect(classifyFault(new Error(message), 'rabbitmq').rule?.id).toBe(id)
  })

  test('no line about RabbitMQ is without such a proof', () => {
    const own = rabbitmqFaults.map(({ id }) => id).filter((id) => id.startsWith('rabbitmq/'))
    const proven = [...Object.keys(produced), ...Object.keys(recorded)].map((name) => name.split(' ')[0])
    expect(own.filter((id) => !proven.includes(id))).toEqual([])
  })
})
