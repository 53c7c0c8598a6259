import type { RedisConnection } from '@plinth/core/redis'
import type { Redis } from 'ioredis'

/** How many places of the keyspace one step looks at: about a millisecond of the server's time. */
const COUNT = 1_000
/** One step may take longer than an ordinary call. */
const STEP_DEADLINE_MS = 5_000

/**
 * Lists the keys that begin with `prefix`, page by page, on every master.
 *
 * A key that exists all the time is listed; one that comes or goes meanwhile may be. A page may repeat keys of another.
 */
export async function* scanKeys(
  connection: RedisConnection,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly string[], void, undefined> {
  const { client } = connection
  const nodes: readonly Redis[] = 'nodes' in client ? client.nodes('master') : [client]
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`
  for (const node of nodes) {
    let cursor = '0'
    do {
      signal?.throwIfAborted()
      const step = (): Promise<[string, string[]]> => node.scan(cursor, 'MATCH', pattern, 'COUNT', COUNT)
      const options = { deadlineMs: STEP_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) }
      const [next, keys] = await connection.run(step, options)
      if (keys.length > 0) yield keys
      cursor = next
    } while (cursor !== '0')
  }
}
