import { compareServers, type ServerContestant } from '@plinth/bench'
import { startRedis } from '@plinth/testing'

const redis = await startRedis()

const served = (variant: string, headers: Record<string, string> = {}): ServerContestant => ({
  file: new URL('server.ts', import.meta.url),
  args: [variant, redis.url],
  path: '/posts/42',
  headers,
})

await compareServers({
  name: 'express: cached hit from memory, 1 KB',
  ours: served('cached in memory'),
  peers: { 'a bare route that returns the same bytes': served('bare') },
})
await compareServers({
  name: 'express: cached hit from Redis, 1 KB',
  ours: served('cached in Redis'),
  peers: { 'ioredis getBuffer by hand': served('getBuffer') },
})
await compareServers({
  name: 'express: cached hit that is a 304',
  ours: served('cached in memory', { 'if-none-match': '*' }),
  peers: { 'the same hit with its body': served('cached in memory') },
})
await compareServers({
  name: 'express: limited in memory',
  ours: served('limited'),
  peers: { 'the same route without a limit': served('bare object') },
})
await redis.close()
