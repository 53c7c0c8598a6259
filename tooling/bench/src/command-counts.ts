import type { RedisServer } from '@plinth/testing'
import type { Counts } from './contestant.js'

/**
 * A reader of how often each command was executed by `redis`, for {@link Contestant.counts}.
 *
 * A script counts as one `evalsha` or `eval`, and so do the commands that it calls; give each contestant a server of
 * its own, or their commands are added up.
 */
export function commandCounts(redis: Pick<RedisServer, 'command'>): () => Promise<Counts> {
  return async () => {
    const info = String(await redis.command('INFO', 'commandstats'))
    const lines = info.matchAll(/^cmdstat_(?<name>[^:]+):calls=(?<calls>\d+)/gm)
    const counts = [...lines].map(({ groups }) => [groups?.name ?? '', Number(groups?.calls)] as const)
    return Object.fromEntries(counts.filter(([name]) => name !== 'info'))
  }
}
