import { readFileSync } from 'node:fs'
import KeyvRedis from '@keyv/redis'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { redisCommand, startRedis, tcpProxy } from '@plinth/testing'
import { createCache as createDedupe } from 'async-cache-dedupe'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'

/** What a cache of any library can do; two of them on one Redis stand for two processes. */
interface Player {
  read(key: string, load: () => unknown, tag: string): Promise<unknown>
  remove(key: string): Promise<unknown>
  removeTag?(tag: string): Promise<unknown>
  clear?(): Promise<unknown>
  /** A cached version of a function that takes a text. */
  cached?(load: (text: string) => unknown): (text: string) => Promise<unknown>
}

type Make = (url: string) => Promise<Player>
type Fault = (make: Make, redis: { readonly url: string; readonly port: number }) => Promise<boolean | undefined>

const HOUR = 3_600_000
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const players: Readonly<Record<string, Make>> = {
  '@plinth/cache': async (url) => {
    const cache = createCache({ backend: redisBackend(await openRedis({ url, startTimeoutMs: 500 })) })
    return {
      read: (key, load, tag) => cache.getOrSet(key, load, { tags: [tag] }),
      remove: (key) => cache.delete(key),
      removeTag: (tag) => cache.invalidateTags(tag),
      clear: () => cache.clear(),
      cached: (load) => {
        const call = cache.define('f:{text}', {}, ({ text }: { text: string }) => load(text))
        return (text) => call({ text })
      },
    }
  },
  bentocache: async (url) => {
    const { hostname: host, port } = new URL(url)
    const driver = redisDriver({ connection: { host, port: Number(port) } })
    const bento = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } })
    return {
      read: (key, load, tag) => bento.getOrSet({ key, factory: load, ttl: '1h', tags: [tag] }),
      remove: (key) => bento.delete({ key }),
      removeTag: (tag) => bento.deleteByTag({ tags: [tag] }),
      clear: () => bento.clear(),
    }
  },
  cacheable: async (url) => {
    const cache = new Cacheable({ primary: new KeyvRedis(url) })
    cache.on('error', () => {})
    return {
      read: (key, load) => cache.getOrSet(key, async () => load(), { ttl: HOUR }),
      remove: (key) => cache.delete(key),
      clear: () => cache.clear(),
      cached: (load) => cache.wrap(async (text: string) => load(text), { ttl: HOUR, keyPrefix: 'f' }),
    }
  },
  'async-cache-dedupe': async (url) => {
    const client = new Redis(url)
    client.on('error', () => {})
    const loads = new Map<string, () => unknown>()
    const cache = createDedupe({ ttl: 3_600, storage: { type: 'redis', options: { client } } }).define(
      'read',
      { references: (_args: unknown, key: string) => [key, 'tag'] },
      async (key: string) => loads.get(key)?.(),
    )
    return {
      read: (key, load) => {
        loads.set(key, load)
        return cache.read(key)
      },
      remove: (key) => cache.clear('read', key),
      removeTag: () => cache.invalidateAll('tag'),
    }
  },
}

/** A reader that began before an invalidation stores what it read; another reads after it. */
async function lateFill(
  make: Make,
  url: string,
  invalidate: (player: Player) => Promise<unknown> | undefined,
): Promise<boolean | undefined> {
  const [reader, writer] = [await make(url), await make(url)]
  const early = reader.read('user:1', () => sleep(150).then(() => 'old'), 'tag')
  await sleep(50)
  const done = invalidate(writer)
  if (done === undefined) return undefined
  await done
  await early
  return (await writer.read('user:1', () => 'new', 'tag')) === 'new'
}

/** Whether there is an answer within two seconds. */
async function answers(make: Make, url: string): Promise<boolean> {
  const answer = make(url).then((player) => player.read('k', () => 'loaded', 'tag'))
  return Promise.race([answer.then((value) => value === 'loaded').catch(() => false), sleep(2_000).then(() => false)])
}

const faults: Readonly<Record<string, Fault>> = {
  'late fill after delete': (make, { url }) => lateFill(make, url, (player) => player.remove('user:1')),
  'late fill after tag': (make, { url }) => lateFill(make, url, (player) => player.removeTag?.('tag')),
  'late fill after clear': (make, { url }) => lateFill(make, url, (player) => player.clear?.()),
  'record of the tag evicted': async (make, { url, port }) => {
    const player = await make(url)
    const keys = async () => (await redisCommand({ host: '127.0.0.1', port, timeout: 2_000 }, 'KEYS', '*')) as string[]
    await player.read('user:1', () => 'old', 'tag')
    if (player.removeTag === undefined) return undefined
    await player.removeTag('tag')
    for (const key of await keys())
      if (/tag/i.test(key)) await redisCommand({ host: '127.0.0.1', port, timeout: 2_000 }, 'DEL', key)
    return (await (await make(url)).read('user:1', () => 'new', 'tag')) === 'new'
  },
  'server refuses': (make) => answers(make, 'redis://127.0.0.1:1'),
  'server is silent': async (make, { url }) => {
    const proxy = await tcpProxy(url)
    await proxy.blackHole()
    return answers(make, proxy.url)
  },
  "'ab' and 'bA' differ": async (make, { url }) => {
    const cached = (await make(url)).cached?.((text) => `of ${text}`)
    if (cached === undefined) return undefined
    return (await cached('ab')) === 'of ab' && (await cached('bA')) === 'of bA'
  },
  'null, 0, empty text and false are hits': async (make, { url }) => {
    const player = await make(url)
    for (const value of [null, 0, '', false]) {
      await player.read(`v:${value}`, () => value, 'tag')
      if ((await player.read(`v:${value}`, () => 'again', 'tag')) !== value) return false
    }
    return true
  },
  "true stays true, '123' a text": async (make, { url }) => {
    const player = await make(url)
    for (const value of [true, '123']) {
      await player.read(`t:${value}`, () => value, 'tag')
      if ((await player.read(`t:${value}`, () => 'again', 'tag')) !== value) return false
    }
    return true
  },
  'a returned object may be changed': async (make, { url }) => {
    const player = await make(url)
    const first = (await player.read('o', () => ({ n: 1 }), 'tag')) as { n: number }
    first.n = 2
    return ((await player.read('o', () => ({ n: 3 }), 'tag')) as { n: number }).n === 1
  },
}

function versionOf(name: string): string {
  const place = name === '@plinth/cache' ? '../package.json' : `../node_modules/${name}/package.json`
  const { version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { readonly version: string }
  return version
}

process.on('unhandledRejection', () => {}) // some clients reject where nobody listens
const names = Object.keys(players)
console.log(`| fault | ${names.map((name) => `${name} ${versionOf(name)}`).join(' | ')} |`)
console.log(`|---|${names.map(() => '---').join('|')}|`)
for (const [name, fault] of Object.entries(faults)) {
  const verdicts: string[] = []
  for (const make of Object.values(players)) {
    const server = await startRedis()
    const held = await fault(make, server).catch(() => false)
    verdicts.push(held === undefined ? 'n/a' : held ? 'yes' : '**no**')
    await server.close()
  }
  console.log(`| ${name} | ${verdicts.join(' | ')} |`)
}
process.exit(0)
