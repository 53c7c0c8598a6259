import { type CacheBackend, memoryBackend } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'

/** Opens a backend by name, with deadlines that a busy machine does not miss. */
export async function openBackend(kind: string, address: string): Promise<CacheBackend> {
  const deadline = '10s'
  if (kind === 'memory') return memoryBackend()
  if (kind === 'memcached') {
    const connection = openMemcached({ servers: address })
    await connection.whenReady()
    return memcachedBackend(connection, { deadline })
  }
  const { hostname: host, port } = new URL(address)
  const target = kind.endsWith('cluster') ? { cluster: [{ host, port: Number(port) }] } : { url: address }
  const connection = await openRedis(target)
  return kind.startsWith('tiered') ? tieredBackend(connection, { deadline }) : redisBackend(connection, { deadline })
}
