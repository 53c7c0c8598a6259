import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { freshVhost, leakCheck, sharedRabbitmq, startRabbitmq } from '../src/index.js'

leakCheck()

/** A server that does not know the protocol asked for answers with the one it speaks. */
function protocolOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', reject)
    socket.once('data', (data) => {
      resolve(data.toString('latin1', 0, 4))
      socket.destroy()
    })
    socket.write('GET / HTT')
  })
}

test('a RabbitMQ server speaks AMQP, and starts again on its port with its data after a kill', async () => {
  await using rabbitmq = await startRabbitmq()
  expect(await protocolOf(rabbitmq.port)).toBe('AMQP')
  await rabbitmq.api('PUT', '/api/vhosts/kept')
  await rabbitmq.kill()
  await expect(protocolOf(rabbitmq.port)).rejects.toThrow('ECONNREFUSED')
  await rabbitmq.restart()
  expect(await protocolOf(rabbitmq.port)).toBe('AMQP')
  expect(JSON.stringify(await rabbitmq.api('GET', '/api/vhosts'))).toContain('"kept"')
  await rabbitmq.stop()
  await expect(protocolOf(rabbitmq.port)).rejects.toThrow('ECONNREFUSED')
}, 120_000)

test('a fresh vhost is one of the shared server, and no other has it', async () => {
  const [one, other] = await Promise.all([freshVhost(), freshVhost()])
  expect(one).not.toBe(other)
  expect(one.startsWith(`${await sharedRabbitmq()}/`)).toBe(true)
}, 120_000)
