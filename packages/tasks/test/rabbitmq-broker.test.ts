import { setTimeout as sleep } from 'node:timers/promises'
import { leakCheck, registerChecks, type TcpProxy, tcpProxy } from '@plinth/testing'
import { connect } from 'amqplib'
import { describe, expect, test } from 'vitest'
import type { TaskBroker } from '../src/broker.js'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { taskBrokerChecks } from '../src/conformance/index.js'
import { settledVhost } from './settled-vhost.js'

leakCheck()

// Most of a check is waiting, here for RabbitMQ and for delays: several at once take a third of the time.
describe.concurrent('the RabbitMQ broker', () => {
  test('refuses what is no address of a RabbitMQ when it is made', () => {
    expect(() => rabbitmqBroker({ url: 'redis://127.0.0.1' })).toThrow(/amqp/)
    expect(() => rabbitmqBroker({ url: [] })).toThrow(/needs a url/)
  })

  registerChecks(
    taskBrokerChecks,
    async (scope) => {
      const url = await settledVhost(scope)
      const proxies = new Map<TaskBroker, TcpProxy>()
      const spare = await Promise.all(Array.from({ length: 8 }, () => tcpProxy(url)))
      scope.onClose(async () => {
        for (let turn = 0; turn < 400 && spare.some((proxy) => proxy.open > 0); turn += 1) await sleep(5)
        await Promise.all(spare.map((proxy) => proxy.close()))
      })
      return {
        broker: () => {
          const proxy = spare[proxies.size]
          if (proxy === undefined) throw new Error('too many processes in one check')
          const broker = rabbitmqBroker({ url: proxy.url })
          proxies.set(broker, proxy)
          return broker
        },
        crash: async (broker) => proxies.get(broker)?.refuse(),
        plant: async (queue, text) => {
          const connection = await connect(url)
          const channel = await connection.createConfirmChannel()
          channel.sendToQueue(`plinth.v1.${queue}.normal`, Buffer.from(text))
          await channel.waitForConfirms()
          await connection.close()
        },
      }
    },
    { timeout: 240_000 },
  )
})
