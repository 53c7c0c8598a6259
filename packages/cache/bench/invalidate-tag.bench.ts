import { type Contestant, commandCounts, compare } from '@plinth/bench'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { startRedis } from '@plinth/testing'
import { printTarget } from './targets.js'

/** Members that are written at the same time while a tag is filled. */
const AT_ONCE = 1_000

/** A cache on a server of its own, in which so many entries carry one tag that is invalidated again and again. */
async function tagOf(members: number): Promise<Contestant> {
  const server = await startRedis()
  const redis = await openRedis({ url: server.url })
  const cache = createCache({ backend: redisBackend(redis, { deadline: '30s' }), ttl: '1h' })
  for (let start = 0; start < members; start += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => cache.set(`m${start + at}`, at, { tags: ['all'] })))
  }
  const keys = await server.command('DBSIZE')
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) await cache.invalidateTags('all')
    },
    counts: commandCounts(server),
    close: async () => {
      console.log(
        `keys on the server with ${members} members: ${keys}, after the invalidations ${await server.command('DBSIZE')}`,
      )
      await cache.close()
      await redis.close()
      await server.close()
    },
  }
}

const [row] = await compare({
  name: 'cache: invalidate a tag with 100,000 members on Redis',
  ops: 1_000,
  pairs: 9,
  ours: () => tagOf(100_000),
  peers: { 'one with 1,000 members': () => tagOf(1_000) },
})
if (row !== undefined) {
  printTarget('invalidating 100,000 members, times the cost of 1,000', 1 / row.ratio.median, { atMost: 2 })
  printTarget('invalidating 100,000 members, milliseconds', 1_000 / row.oursPerSecond, { atMost: 1 })
}
