import { createCache } from '@plinth/cache'
import { cacheBackendChecks } from '@plinth/cache/conformance'
import { tieredBackend } from '@plinth/cache/tiered'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshPrefix, freshRedis, registerChecks, sharedRedis } from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

describe.concurrent('the tiered backend', () => {
  registerChecks(cacheBackendChecks, async (scope) => {
    const url = await sharedRedis()
    const [one, two] = await Promise.all([openRedis({ url }), openRedis({ url })])
    const [backend, other] = [tieredBackend(one, { deadline: '5s' }), tieredBackend(two, { deadline: '5s' })]
    scope.onClose(() => Promise.all([backend, other, one, two].map((part) => part.close())))
    const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    return { backend, other, namespace: freshPrefix('cache'), elapse }
  })
})

describe('copies in this process', () => {
  it('are answered without the server, and dropped when anybody changes what they depend on', async () => {
    const server = await freshRedis()
    const connections = await Promise.all([openRedis({ url: server.url }), openRedis({ url: server.url })])
    const backends = connections.map((connection) => tieredBackend(connection, { deadline: '5s' }))
    const [here, there] = backends.map((backend) => createCache({ backend, prefix: 'shop' }))
    closeWithFile(() => Promise.all([...backends, ...connections].map((part) => part.close())))
    const commands = async (): Promise<number> => {
      const info = String(await server.command('INFO', 'commandstats'))
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
    }
    for (const change of [
      () => there?.delete('user:1'),
      () => there?.invalidateTags('users'),
      () => there?.deleteByPrefix('user'),
      () => there?.clear(),
      () => there?.set('user:1', 'other'),
    ]) {
      await here?.set('user:1', { name: 'Ada' }, { tags: ['users'] })
      await vi.waitFor(async () => {
        await here?.get('user:1')
        const before = await commands()
        expect(await here?.get('user:1')).toEqual({ name: 'Ada' })
        expect(await commands()).toBe(before)
      })
      await change()
      await vi.waitFor(async () => expect(await here?.get('user:1')).not.toEqual({ name: 'Ada' }))
    }
  })
})
