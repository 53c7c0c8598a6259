import { cacheBackendChecks } from '@plinth/cache/conformance'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { freshPrefix, registerChecks, sharedRedis } from '@plinth/testing'
import { describe } from 'vitest'

describe.concurrent('the redis backend', () => {
  registerChecks(cacheBackendChecks, async (scope) => {
    const url = await sharedRedis()
    const [one, two] = await Promise.all([openRedis({ url }), openRedis({ url })])
    const [backend, other] = [redisBackend(one, { deadline: '5s' }), redisBackend(two, { deadline: '5s' })]
    scope.onClose(() => Promise.all([backend, other, one, two].map((part) => part.close())))
    const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    return { backend, other, namespace: freshPrefix('cache'), elapse }
  })
})
