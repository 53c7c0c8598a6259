import { cacheBackendChecks } from '@plinth/cache/conformance'
import { memcachedBackend } from '@plinth/cache/memcached'
import { openMemcached } from '@plinth/core/memcached'
import { freshPrefix, registerChecks, sharedMemcached } from '@plinth/testing'
import { describe } from 'vitest'

describe.concurrent('the memcached backend', () => {
  registerChecks(cacheBackendChecks, async (scope) => {
    const servers = await sharedMemcached()
    const [one, two] = [openMemcached({ servers }), openMemcached({ servers })]
    await Promise.all([one.whenReady(), two.whenReady()])
    const [backend, other] = [memcachedBackend(one, { deadline: '5s' }), memcachedBackend(two, { deadline: '5s' })]
    scope.onClose(() => Promise.all([backend, other, one, two].map((part) => part.close())))
    const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    return { backend, other, namespace: freshPrefix('cache'), elapse }
  })
})
