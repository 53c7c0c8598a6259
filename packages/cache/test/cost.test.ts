import { type Cache, createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshRedis } from '@plinth/testing'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'

/** What reads and writes entries and stamps; not what keeps a connection alive. */
const COUNTED: ReadonlySet<string> = new Set(['evalsha', 'eval', 'mget', 'get', 'set', 'time', 'del', 'unlink'])
const members = process.env.PLINTH_LONG === '1' ? 100_000 : 2_000

interface Setup {
  readonly cache: Cache
  /** How many commands the server has got since the last call, but for those inside scripts. */
  commands(): Promise<number>
  size(): Promise<number>
}

async function setup(): Promise<Setup> {
  const server = await freshRedis()
  const redis = await openRedis({ url: server.url })
  const cache = createCache({ backend: redisBackend(redis, { deadline: '10s' }), early: 0 })
  closeWithFile(() => Promise.all([cache.close(), redis.close()]))
  await cache.get('warm-up')
  await cache.getOrSet('warm-up', () => 1)
  await cache.invalidateTags('warm-up')
  const heard: string[] = []
  const monitor = await new Redis(server.url).monitor()
  monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
    if (source !== 'lua' && COUNTED.has(command.toLowerCase())) heard.push(command)
  })
  closeWithFile(async () => monitor.disconnect())
  let mark = 0
  const commands = async (): Promise<number> => {
    const seen = new Promise<void>((resolve) => {
      const name = `mark ${++mark}`
      const onCommand = (_time: string, args: string[]): void => {
        if (args[1] !== name) return
        monitor.off('monitor', onCommand)
        resolve()
      }
      monitor.on('monitor', onCommand)
      void server.command('ECHO', name)
    })
    await seen
    return heard.splice(0).length
  }
  return { cache, commands, size: async () => Number(await server.command('DBSIZE')) }
}

describe('on Redis', () => {
  it('a hit is one command, a miss that is filled two, sixty-four hits at once one', async () => {
    const { cache, commands } = await setup()
    const read = (key: string) => cache.getOrSet(key, () => 'value', { tags: ['a', 'b', 'c'] })
    await commands()
    await read('user:1')
    expect(await commands()).toBe(2)
    await read('user:1')
    expect(await commands()).toBe(1)
    await cache.get('user:1')
    expect(await commands()).toBe(1)
    await Promise.all(Array.from({ length: 64 }, (_, index) => cache.set(`many:${index}`, index)))
    await commands()
    await Promise.all(Array.from({ length: 64 }, (_, index) => read(`many:${index}`)))
    expect(await commands()).toBe(1)
  })

  it('an invalidation is one command and leaves nothing behind, whatever the number of members', {
    timeout: 120_000,
  }, async () => {
    const { cache, commands, size } = await setup()
    for (let start = 0; start < members; start += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, index) => cache.set(`m${start + index}`, 1, { tags: ['all'] })))
    }
    const [before] = [await size(), await commands()]
    await cache.invalidateTags('all')
    expect(await commands()).toBe(1)
    expect(await cache.getMany(['m0', 'm1', `m${members - 1}`])).toEqual([undefined, undefined, undefined])
    for (let round = 0; round < 300; round++) await cache.invalidateTags('all', `user:${round}`)
    // One key remembers the latest stamps of tags that nothing carries.
    expect(await size()).toBeLessThanOrEqual(before + 1)
  })
})
