import type { RedisClient, RedisConnection } from '@plinth/core/redis'
import { NAMESPACE_GUARD } from '../../keys/guards.js'
import type { Cell, Cells, Stamps } from '../cells/cells.js'
import { FRAME } from '../frame.js'
import { RedisKeys } from '../redis/redis-keys.js'
import { RedisWaiters } from '../redis/redis-waiters.js'
import { scanKeys } from '../redis/scan-keys.js'
import { runScript, type Script } from '../redis/scripts/script.js'
import { GUARD_MS, REMEMBERED } from '../redis/stamp-bounds.js'
import { DROP, KEEP, MAY_BE_STAMPED, RAISE, READ_TIME, REMOVE_CELL, SWAP, TICK } from './cluster-scripts.js'

/**
 * Cells on Redis Cluster: entries and stamps lie on whatever node their names say, the store's time and what belongs to it on one.
 *
 * Commands of one step run side by side on their nodes. Lifetimes of entries are judged by this process's clock; whether an entry is valid
 * is judged by the store's time alone.
 */
export class ClusterCells implements Cells {
  readonly #connection: RedisConnection
  readonly #bounds: { readonly deadlineMs: number }
  readonly #keys: RedisKeys
  readonly #waiters: RedisWaiters

  constructor(connection: RedisConnection, namespace: string, deadlineMs: number) {
    this.#connection = connection
    this.#bounds = { deadlineMs }
    this.#keys = new RedisKeys(namespace)
    this.#waiters = new RedisWaiters(connection, this.#keys.channel)
  }

  now(): number {
    return Date.now()
  }

  async get(key: string): Promise<Cell | undefined> {
    const name = this.#keys.entry(key)
    // MGET, because what is no text answers nothing instead of an error.
    const [bytes] = await this.#call(name, (client) => client.mgetBuffer(name))
    return bytes == null ? undefined : { bytes, version: bytes.subarray(0, FRAME.size) }
  }

  async add(key: string, bytes: Buffer, ttlMs: number): Promise<boolean> {
    const name = this.#keys.entry(key)
    return (await this.#call(name, (client) => client.set(name, bytes, 'PX', ttlMs, 'NX'))) === 'OK'
  }

  async swap(key: string, version: unknown, bytes: Buffer, ttlMs: number): Promise<boolean> {
    return (await this.#script(SWAP, [this.#keys.entry(key)], [version as Buffer, bytes, ttlMs])) === 1
  }

  async set(key: string, bytes: Buffer, ttlMs: number): Promise<void> {
    const name = this.#keys.entry(key)
    await this.#call(name, (client) => client.set(name, bytes, 'PX', ttlMs))
  }

  async remove(key: string): Promise<Buffer | undefined> {
    return ((await this.#script(REMOVE_CELL, [this.#keys.entry(key)], [])) as Buffer | null) ?? undefined
  }

  async drop(key: string, version: unknown): Promise<boolean> {
    return (await this.#script(DROP, [this.#keys.entry(key)], [version as Buffer])) === 1
  }

  async stamps(guards: readonly string[], withTime: boolean): Promise<Stamps> {
    const [time, ...values] = await Promise.all([
      withTime ? this.#readTime() : '',
      ...guards.map(async (guard) => {
        const name = this.#keys.guard(guard)
        return (await this.#call(name, (client) => client.get(name))) ?? undefined
      }),
    ])
    return { values, time: time ?? '' }
  }

  async addStamps(guards: readonly string[], time: string): Promise<void> {
    await this.#each(guards, (name, client) => client.set(name, time, 'PX', GUARD_MS, 'NX'))
  }

  async tick(guards: readonly string[]): Promise<string> {
    const { clock, late } = this.#keys
    return String(await this.#script(TICK, [clock, late], [REMEMBERED, ...guards]))
  }

  async raise(guards: readonly string[], time: string): Promise<void> {
    await this.#each(guards, (name, client) => runScript(client, RAISE, [name], [time]))
  }

  async mayBeStamped(guards: readonly string[], time: string): Promise<boolean> {
    const { clock, late } = this.#keys
    return (await this.#script(MAY_BE_STAMPED, [clock, late], [time, ...guards])) === 1
  }

  async keepStamps(guards: readonly string[], ttlMs: number): Promise<void> {
    const ms = Math.max(GUARD_MS, 2 * ttlMs)
    await this.#each(guards, (name, client) => runScript(client, KEEP, [name], [ms]))
  }

  tell(key: string): void {
    const { channel } = this.#keys
    this.#call(channel, (client) => client.publish(channel, this.#keys.entry(key))).catch(() => {}) // who waits looks for himself, too
  }

  wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#waiters.wait(this.#keys.entry(key), timeoutMs, signal)
  }

  async *list(beginsWith: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, undefined> {
    const { entryPrefix } = this.#keys
    for await (const names of scanKeys(this.#connection, entryPrefix + beginsWith, signal)) {
      yield names.map((name) => name.slice(entryPrefix.length))
    }
  }

  /** A node that came back from an older copy, or a replica that took over, may have lost stamps. */
  async verify(): Promise<boolean> {
    const { mark, clock } = this.#keys
    const masters = await this.#masters()
    const [known, time] = await Promise.all([
      this.#call(mark, (client) => client.get(mark)),
      this.#call(clock, (client) => client.get(clock)),
    ])
    if (known === masters) return true
    if (known !== null || time !== null) {
      await this.raise([NAMESPACE_GUARD], await this.tick([NAMESPACE_GUARD]))
    }
    await this.#call(mark, (client) => client.set(mark, masters))
    return known === null && time === null
  }

  close(): void {
    this.#waiters.close()
  }

  async #masters(): Promise<string> {
    const { client } = this.#connection
    const nodes = 'nodes' in client ? client.nodes('master') : [client]
    const infos = await Promise.all(nodes.map((node) => this.#connection.run(() => node.info('server'), this.#bounds)))
    const ids = infos.map((info) => /^run_id:(\w+)/m.exec(info)?.[1] ?? '')
    return ids.sort().join(',')
  }

  async #readTime(): Promise<string> {
    const { clock } = this.#keys
    const time = await this.#call(clock, (client) => client.get(clock))
    return time ?? String(await this.#script(READ_TIME, [clock], []))
  }

  async #each(
    guards: readonly string[],
    command: (name: string, client: RedisClient) => Promise<unknown>,
  ): Promise<void> {
    await Promise.all(
      guards.map((guard) => {
        const name = this.#keys.guard(guard)
        return this.#call(name, (client) => command(name, client))
      }),
    )
  }

  #script(
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#call(keys[0], (client) => runScript(client, script, keys, args))
  }

  #call<Answer>(key: string, command: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    return this.#connection.run(command, { ...this.#bounds, key })
  }
}
