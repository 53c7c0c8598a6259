import { setTimeout as sleep } from 'node:timers/promises'
import { freshVhost, leakCheck, registerChecks, type TcpProxy, tcpProxy } from '@plinth/testing'
import { describe, expect, test } from 'vitest'
import type { TaskBroker } from '../src/broker.js'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { taskBrokerChecks } from '../src/conformance/index.js'

leakCheck()

// The broker is not published before every check holds every time: until then they run in the long form.
const checks = process.env.PLINTH_LONG === '1' ? taskBrokerChecks : []

describe('the RabbitMQ broker', () => {
  test('refuses what is no address of a RabbitMQ when it is made', () => {
    expect(() => rabbitmqBroker({ url: 'redis://127.0.0.1' })).toThrow(/amqp/)
    expect(() => rabbitmqBroker({ url: [] })).toThrow(/needs a url/)
  })

  if (checks.length === 0) return
  registerChecks(
    checks,
    async (scope) => {
      const url = await freshVhost()
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
      }
    },
    { timeout: 60_000 },
  )
})
