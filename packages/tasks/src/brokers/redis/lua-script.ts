import { createHash } from 'node:crypto'
import type { RedisClient } from '@plinth/core/redis'

/** A Lua script that is sent once to a server and then called by its digest. */
export class LuaScript {
  readonly #lua: string
  readonly #digest: string

  constructor(lua: string) {
    this.#lua = lua
    this.#digest = createHash('sha1').update(lua).digest('hex')
  }

  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await client.evalsha(this.#digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return client.eval(this.#lua, keys.length, ...keys, ...args)
    }
  }
}
