import { MisconfiguredError } from '@plinth/core'
import type { RedisClient, RedisConnection } from '@plinth/core/redis'

/** Looks for settings of a server that would forget counts. Answers nothing when we may not look. */
export async function inspectRedis(connection: RedisConnection, deadlineMs: number): Promise<readonly string[]> {
  try {
    const infos = await connection.run((client) => memoryInfos(client), { deadlineMs })
    const policies = infos.flatMap((info) => /^maxmemory_policy:(?<policy>\S+)/m.exec(info)?.groups?.policy ?? [])
    return [...new Set(policies)].flatMap((policy) => (policy === 'noeviction' ? [] : [evicting(connection, policy)]))
  } catch (error) {
    if (error instanceof MisconfiguredError) return [] // INFO is not for every user
    throw error
  }
}

function memoryInfos(client: RedisClient): Promise<readonly string[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client]
  return Promise.all(nodes.map((node) => node.info('memory')))
}

function evicting({ target }: RedisConnection, policy: string): string {
  return (
    `Redis at ${target} may evict counts of rate limits when its memory is full (maxmemory-policy ${policy}), ` +
    'which gives whole quotas back: set maxmemory-policy noeviction, and give the cache an instance of its own.'
  )
}
