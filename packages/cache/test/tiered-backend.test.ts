import { type CacheBackend, createCache } from '@plinth/cache'
import { cacheBackendChecks } from '@plinth/cache/conformance'
import { tieredBackend } from '@plinth/cache/tiered'
import { openRedis, type RedisTarget } from '@plinth/core/redis'
import {
  closeWithFile,
  freshPrefix,
  freshRedis,
  registerChecks,
  sharedRedis,
  sharedRedisCluster,
} from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const targets: Readonly<Record<string, () => Promise<RedisTarget>>> = {
  'a single server': async () => ({ url: await sharedRedis() }),
  'a cluster': async () => {
    const { hostname: host, port } = new URL(await sharedRedisCluster())
    return { cluster: [{ host, port: Number(port) }] }
  },
}

for (const [kind, findTarget] of Object.entries(targets)) {
  describe.concurrent(`the tiered backend on ${kind}`, () => {
    registerChecks(cacheBackendChecks, async (scope) => {
      const target = await findTarget()
      const [one, two] = await Promise.all([openRedis(target), openRedis(target)])
      const [backend, other] = [tieredBackend(one, { deadline: '5s' }), tieredBackend(two, { deadline: '5s' })]
      scope.onClose(() => Promise.all([backend, other, one, two].map((part) => part.close())))
      const namespace = freshPrefix('cache')
      await Promise.all([hearing(backend, namespace), hearing(other, namespace)])
      return { backend, other, namespace, elapse }
    })
  })
}

/** Resolves when copies are made: a backend that hears of nothing yet would pass without any. */
async function hearing(backend: CacheBackend, namespace: string): Promise<void> {
  const store = backend.open(namespace)
  const address = { key: 'hearing', guards: ['n'] }
  const life = { freshMs: 60_000, staleMs: 60_000, graceMs: 60_000, peekMs: 60_000 }
  store.openWith?.(() => ({ body: 'a copy', size: 10 }))
  const isCopied = async (): Promise<boolean> => {
    await store.write(address, { ...life, body: Buffer.from('body'), size: 4, format: 7, costMs: 0 })
    await store.read(address)
    return store.peek?.(address.key) === 'a copy'
  }
  await vi.waitFor(async () => expect(await isCopied()).toBe(true), 20_000)
  await store.remove([address.key])
}

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
      }, 20_000)
      await change()
      await vi.waitFor(async () => expect(await here?.get('user:1')).not.toEqual({ name: 'Ada' }), 20_000)
    }
  })
})
