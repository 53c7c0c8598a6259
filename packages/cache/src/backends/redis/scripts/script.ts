import { createHash } from 'node:crypto'
import type { RedisClient } from '@plinth/core/redis'

/** A Lua script, sent whole only where the server does not know it yet. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** Names a script by its SHA-1, as Redis does. */
export function defineScript(...parts: readonly string[]): Script {
  const lua = parts.join('\n')
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/** Runs a script; texts in its answer come as bytes. */
export async function runScript(
  client: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await client.callBuffer('EVALSHA', [script.sha, keys.length, ...keys, ...args])
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return client.callBuffer('EVAL', [script.lua, keys.length, ...keys, ...args])
  }
}
