import { cacheBackendChecks } from '@plinth/cache/conformance'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { freshPrefix, registerChecks, sharedRedisCluster } from '@plinth/testing'
import { describe } from 'vitest'

describe.concurrent('the redis backend on a cluster', () => {
  registerChecks(cacheBackendChecks, async (scope) => {
    const { hostname: host, port } = new URL(await sharedRedisCluster())
    const cluster = [{ host, port: Number(port) }]
    const [one, two] = await Promise.all([openRedis({ cluster }), openRedis({ cluster })])
    const [backend, other] = [redisBackend(one, { deadline: '5s' }), redisBackend(two, { deadline: '5s' })]
    scope.onClose(() => Promise.all([backend, other, one, two].map((part) => part.close())))
    const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    return { backend, other, namespace: freshPrefix('cache'), elapse }
  })
})
