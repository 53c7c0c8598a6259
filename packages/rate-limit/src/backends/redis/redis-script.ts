import { createHash } from 'node:crypto'
import type { RedisClient } from '@plinth/core/redis'

/** A Lua script, run by its digest: the server is sent the text only when it does not know it (anymore). */
export class RedisScript {
  readonly #text: string
  readonly #digest: string

  constructor(text: string) {
    this.#text = text
    this.#digest = createHash('sha1').update(text).digest('hex')
  }

  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await client.evalsha(this.#digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return client.eval(this.#text, keys.length, ...keys, ...args)
    }
  }
}
