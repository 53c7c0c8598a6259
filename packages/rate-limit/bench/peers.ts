import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from 'ioredis'
import { RedisStore } from 'rate-limit-redis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible'

/** Charges one unit for a key; answers whether it was admitted. */
export type Charge = (key: string) => Promise<boolean>

/** A limiter of somebody else, on a client of its own. */
export interface Peer {
  readonly charge: Charge
  readonly close: () => void
}

/** A limit as every peer understands it. */
export interface PeerLimit {
  readonly quota: number
  readonly seconds: number
}

/** `rate-limiter-flexible` on Redis. */
export function flexibleRedis(url: string, limit: PeerLimit): Peer {
  const client = new Redis(url)
  const limiter = new RateLimiterRedis({ storeClient: client, points: limit.quota, duration: limit.seconds })
  return { charge: admitted((key) => limiter.consume(key)), close: () => client.disconnect() }
}

/** A round trip and nothing else: no limiter that asks Redis about each call is faster with one call in flight. */
export function bareRoundTrip(url: string): Peer {
  const client = new Redis(url)
  return { charge: async () => (await client.ping()) === 'PONG', close: () => client.disconnect() }
}

/** `RateLimiterUnion` of `rate-limiter-flexible` on Redis: one command for each limit, charged whatever the others say. */
export function flexibleUnion(url: string, limits: readonly PeerLimit[]): Peer {
  const client = new Redis(url)
  const limiters = limits.map(
    ({ quota, seconds }, i) =>
      new RateLimiterRedis({ storeClient: client, points: quota, duration: seconds, keyPrefix: `limit${i}` }),
  )
  const union = new RateLimiterUnion(...limiters)
  return { charge: admitted((key) => union.consume(key)), close: () => client.disconnect() }
}

/** `RateLimiterMemory` of `rate-limiter-flexible`. */
export function flexibleMemory(limit: PeerLimit): Peer {
  const limiter = new RateLimiterMemory({ points: limit.quota, duration: limit.seconds })
  return { charge: admitted((key) => limiter.consume(key)), close: () => {} }
}

/** `rate-limit-redis`, the store of `express-rate-limit`. */
export function expressRedis(url: string, limit: PeerLimit): Peer {
  const client = new Redis(url)
  const store = new RedisStore({
    sendCommand: (command: string, ...args: string[]) => client.call(command, ...args) as Promise<number>,
  })
  store.init({ windowMs: limit.seconds * 1000 } as Parameters<typeof store.init>[0])
  const charge: Charge = async (key) => (await store.increment(key)).totalHits <= limit.quota
  return { charge, close: () => client.disconnect() }
}

/** The Redis store of `@fastify/rate-limit`. */
export function fastifyRedis(url: string, limit: PeerLimit): Peer {
  const client = new Redis(url)
  const store = new FastifyStore(false, false, client)
  const charge: Charge = (key) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, result: { readonly current: number }): void => {
        if (error === null) resolve(result.current <= limit.quota)
        else reject(error)
      }
      store.incr(key, done, limit.seconds * 1000, limit.quota)
    })
  return { charge, close: () => client.disconnect() }
}

/**
 * The sliding window of `@upstash/ratelimit`, its scripts sent to a plain Redis instead of over REST.
 *
 * Without their first line, which only the vendor's own server understands.
 */
export function upstashSliding(url: string, limit: PeerLimit): Peer {
  const client = new Redis(url)
  const digests = new Map<string, string>()
  const redis = {
    evalsha: (sha: string, keys: string[], args: unknown[]) =>
      client.evalsha(digests.get(sha) ?? sha, keys.length, ...keys, ...args.map(String)),
    eval: (script: string, keys: string[], args: unknown[]) => {
      const plain = script.replace(/^#!.*\n/, '')
      digests.set(sha1(script), sha1(plain))
      return client.eval(plain, keys.length, ...keys, ...args.map(String))
    },
  }
  const limiter = new Ratelimit({
    redis: redis as unknown as ConstructorParameters<typeof Ratelimit>[0]['redis'],
    limiter: Ratelimit.slidingWindow(limit.quota, `${limit.seconds} s`),
    ephemeralCache: false,
    timeout: 0,
  })
  return { charge: async (key) => (await limiter.limit(key)).success, close: () => client.disconnect() }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

interface FastifyRedisStore {
  incr(
    key: string,
    done: (error: Error | null, result: { readonly current: number }) => void,
    windowMs: number,
    max: number,
  ): void
}

const FastifyStore = createRequire(import.meta.url)('@fastify/rate-limit/store/RedisStore.js') as new (
  continueExceeding: boolean,
  exponentialBackoff: boolean,
  client: Redis,
) => FastifyRedisStore

/** `rate-limiter-flexible` rejects with its result when it denies. */
function admitted(consume: (key: string) => Promise<unknown>): Charge {
  return (key) =>
    consume(key).then(
      () => true,
      (denial: unknown) => {
        if (denial instanceof Error) throw denial
        return false
      },
    )
}
