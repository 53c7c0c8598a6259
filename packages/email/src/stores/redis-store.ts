import type { EmailStore } from './email-store.js'

/** The three commands of a Redis client that the store sends; ioredis has them. */
export interface RedisStoreCommands {
  set(key: string, value: string): Promise<unknown>
  set(key: string, value: string, unit: 'PX', ttlMs: number): Promise<unknown>
  set(key: string, value: string, unit: 'PX', ttlMs: number, mode: 'NX'): Promise<unknown>
  get(key: string): Promise<string | null>
  del(key: string): Promise<unknown>
}

/** A connection that runs commands under a deadline: what `openRedis` of `@plinth/core/redis` gives. */
export interface RedisStoreConnection {
  run<Result>(command: (client: RedisStoreCommands) => Promise<Result>): Promise<Result>
}

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What its keys begin with. Default `email:`. */
  readonly prefix?: string
}

/** A store in Redis: keeps repeats out across all processes, and survives a restart. The connection stays yours. */
export function redisStore(redis: RedisStoreConnection, options: RedisStoreOptions = {}): EmailStore {
  const prefix = options.prefix ?? 'email:'
  return {
    async add(key, value, ttlMs) {
      return (await redis.run((client) => client.set(prefix + key, value, 'PX', Math.ceil(ttlMs), 'NX'))) !== null
    },
    async get(key) {
      return (await redis.run((client) => client.get(prefix + key))) ?? undefined
    },
    async set(key, value, ttlMs) {
      await redis.run((client) =>
        ttlMs === undefined ? client.set(prefix + key, value) : client.set(prefix + key, value, 'PX', Math.ceil(ttlMs)),
      )
    },
    async delete(key) {
      await redis.run((client) => client.del(prefix + key))
    },
  }
}
