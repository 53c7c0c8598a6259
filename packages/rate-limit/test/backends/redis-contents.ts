import type { RedisConnection } from '@plinth/core/redis'
import { Cluster } from 'ioredis'

/** All keys under a prefix with their serialised values, byte for byte, in order. */
export async function redisContents({ client }: RedisConnection, prefix: string): Promise<string> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client]
  const lines: string[] = []
  for (const node of nodes) {
    for (const key of await node.keys(`${prefix}:*`)) {
      const dump = await node.dumpBuffer(key)
      lines.push(`${key} ${dump?.toString('hex')}`)
    }
  }
  return lines.toSorted().join('\n')
}
