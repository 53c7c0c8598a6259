import { type Contestant, commandCounts } from '@plinth/bench'
import { type RedisServer, startRedis } from '@plinth/testing'

/** A cache on a server. */
export interface Client {
  /** Reads through the cache. */
  get(key: string): unknown
  close(): unknown
}

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)

/** Makes contestants that read a thousand keys, all of them cached, so many at the same time; each on a server of its own. */
export function hitsOnRedis(inFlight: number): (make: (server: RedisServer) => Promise<Client>) => Promise<Contestant> {
  return contestants(inFlight, (next) => KEYS[next % KEYS.length] as string)
}

/** As {@link hitsOnRedis}, but every key is read for the first time. */
export function missesOnRedis(
  inFlight: number,
): (make: (server: RedisServer) => Promise<Client>) => Promise<Contestant> {
  let all = 0
  return contestants(inFlight, () => `user:${all++}`)
}

function contestants(
  inFlight: number,
  keyOf: (next: number) => string,
): (make: (server: RedisServer) => Promise<Client>) => Promise<Contestant> {
  return async (make) => {
    const server = await startRedis()
    const client = await make(server)
    const run = async (ops: number): Promise<void> => {
      let next = 0
      const lane = async (): Promise<void> => {
        while (next < ops) await client.get(keyOf(next++))
      }
      await Promise.all(Array.from({ length: inFlight }, lane))
    }
    await run(KEYS.length)
    return {
      run,
      counts: commandCounts(server),
      close: async () => {
        await client.close()
        await server.close()
      },
    }
  }
}
