import { setTimeout as sleep } from 'node:timers/promises'
import { freshPrefix, leakCheck, registerChecks, sharedRedis, type TcpProxy, tcpProxy } from '@plinth/testing'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { describe } from 'vitest'
import type { TaskBroker } from '../src/broker.js'
import { redisBroker } from '../src/brokers/redis.js'
import { taskBrokerChecks } from '../src/conformance/index.js'

leakCheck()

describe('the Redis broker', () => {
  registerChecks(
    taskBrokerChecks,
    async (scope) => {
      const url = await sharedRedis()
      const prefix = freshPrefix('tasks')
      const proxies = new Map<TaskBroker, TcpProxy>()
      const crashed = new Set<TcpProxy>()
      const spare = await Promise.all(Array.from({ length: 8 }, () => tcpProxy(url)))
      scope.onClose(async () => {
        const open = (): boolean => spare.some((proxy) => proxy.open > 0 && !crashed.has(proxy))
        for (let turn = 0; turn < 400 && open(); turn += 1) await sleep(5)
        if (open()) throw new Error('a broker that was closed has left connections open')
        await Promise.all(spare.map((proxy) => proxy.close()))
      })
      return {
        broker: () => {
          const proxy = spare[proxies.size]
          if (proxy === undefined) throw new Error('too many processes in one check')
          const broker = redisBroker({ url: proxy.url, db: 3, prefix, lock: '1200ms', stalledCheck: '400ms' })
          proxies.set(broker, proxy)
          return broker
        },
        crash: async (broker) => {
          const proxy = proxies.get(broker)
          if (proxy === undefined) return
          crashed.add(proxy)
          await proxy.refuse()
        },
        plant: async (queue, text) => {
          const lane = new Queue(queue, { prefix, connection: { url, db: 3 } })
          const job = await lane.add('planted', {}, { delay: 200 })
          const client = new Redis(url, { db: 3, lazyConnect: true })
          await client.connect()
          await client.hset(lane.toKey(job.id ?? ''), 'data', text)
          client.disconnect()
          await lane.close()
        },
      }
    },
    { timeout: 60_000 },
  )
})
