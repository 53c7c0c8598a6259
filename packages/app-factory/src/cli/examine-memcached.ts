import type { MemcachedConnection } from '@plinth/core/memcached'
import { clockFinding } from './examine-redis.js'
import type { Finding } from './finding.js'
import { latencyOf } from './latency.js'

/** Looks at one component's Memcached servers. The connection must be ready. */
export async function examineMemcached(subject: string, connection: MemcachedConnection): Promise<readonly Finding[]> {
  const latencyMs = await latencyOf(() => connection.get('plinth:doctor'))
  const stats = await connection.stats()
  const versions = new Set([...stats.values()].map((server) => server.version ?? 'unknown'))
  const evictions = [...stats.values()].reduce((sum, server) => sum + Number(server.evictions ?? 0), 0)
  return [
    { subject, check: 'connection', status: 'ok', found: `${connection.target} answers in ${latencyMs.toFixed(1)} ms` },
    { subject, check: 'version', status: 'info', found: `Memcached ${[...versions].join(', ')}` },
    clockFinding(subject, connection.clockOffsetMs),
    { subject, check: 'evictions', status: 'info', found: `${evictions} so far` },
  ]
}
