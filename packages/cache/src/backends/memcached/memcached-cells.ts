import { createHash } from 'node:crypto'
import { type MemcachedConnection, MemcachedValueTooLargeError, type MemcachedVersion } from '@plinth/core/memcached'
import { CacheValueError } from '../../cache-errors.js'
import { waitFor } from '../../wait-for.js'
import type { Cell, Cells, Stamps } from '../cells/cells.js'
import { storeTime } from '../frame.js'

/** Memcached takes keys of 250 bytes. */
const MAX_KEY = 240
const TRIES = 50

/**
 * Cells on Memcached: its CAS compares, its LRU bounds the stamps, so that they need no lifetime.
 *
 * The store's time is a counter that is begun at the clock's microseconds: should it be evicted, it begins above everything before, for it
 * never counts as fast as time passes.
 */
export class MemcachedCells implements Cells {
  readonly #connection: MemcachedConnection
  readonly #options: { readonly deadlineMs: number }
  readonly #namespace: string

  constructor(connection: MemcachedConnection, namespace: string, deadlineMs: number) {
    this.#connection = connection
    this.#namespace = namespace
    this.#options = { deadlineMs }
  }

  now(): number {
    return Date.now() + this.#connection.clockOffsetMs
  }

  async get(key: string): Promise<Cell | undefined> {
    const found = await this.#connection.getVersioned(this.#entry(key), this.#options)
    return found && { bytes: found.value, version: found.version }
  }

  add(key: string, bytes: Buffer, ttlMs: number): Promise<boolean> {
    return this.#fitting(this.#connection.add(this.#entry(key), bytes, ttlMs, this.#options))
  }

  swap(key: string, version: unknown, bytes: Buffer, ttlMs: number): Promise<boolean> {
    const item = { value: bytes, ttlMs, version: version as MemcachedVersion }
    return this.#fitting(this.#connection.replaceVersion(this.#entry(key), item, this.#options))
  }

  async set(key: string, bytes: Buffer, ttlMs: number): Promise<void> {
    try {
      await this.#fitting(this.#connection.set(this.#entry(key), bytes, ttlMs, this.#options))
    } catch (error) {
      // What stood there is not what the caller wanted to stand there.
      if (error instanceof CacheValueError) await this.#connection.delete(this.#entry(key), this.#options)
      throw error
    }
  }

  async remove(key: string): Promise<Buffer | undefined> {
    const name = this.#entry(key)
    // In this order on one connection: the server answers in turn.
    const [found, removed] = await Promise.all([
      this.#connection.get(name, this.#options),
      this.#connection.delete(name, this.#options),
    ])
    return removed ? found : undefined
  }

  drop(key: string, version: unknown): Promise<boolean> {
    return this.#connection.deleteVersion(this.#entry(key), version as MemcachedVersion, this.#options)
  }

  async stamps(guards: readonly string[], withTime: boolean): Promise<Stamps> {
    const keys = guards.map((guard) => this.#guard(guard))
    const found = await this.#connection.getMany(withTime ? [...keys, this.#time] : keys, this.#options)
    const values = found.map((bytes) => bytes?.toString('latin1').padStart(16, '0'))
    if (!withTime) return { values, time: '' }
    const time = values.pop()
    return { values, time: time ?? (await this.#begin()) }
  }

  async addStamps(guards: readonly string[], time: string): Promise<void> {
    await Promise.all(guards.map((guard) => this.#connection.add(this.#guard(guard), time, undefined, this.#options)))
  }

  async tick(): Promise<string> {
    const initial = this.#beginning()
    return storeTime(await this.#connection.increment(this.#time, 1, { initial, ttlMs: undefined }, this.#options))
  }

  async raise(guards: readonly string[], time: string): Promise<void> {
    await Promise.all(guards.map((guard) => this.#raise(guard, time)))
  }

  /** A stamp that nobody had written leaves no trace here: if any time passed, it may have been one of these. */
  async mayBeStamped(_guards: readonly string[], time: string): Promise<boolean> {
    return (await this.stamps([], true)).time !== time
  }

  async keepStamps(): Promise<void> {}

  tell(): void {}

  async wait(_key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await waitFor(() => {}, timeoutMs, signal)
  }

  /** A server that restarts comes back empty. */
  async verify(): Promise<boolean> {
    await this.#connection.get(this.#time, this.#options)
    return true
  }

  async #raise(guard: string, time: string): Promise<void> {
    const key = this.#guard(guard)
    for (let round = 0; round < TRIES; round++) {
      const stamp = await this.#connection.getVersioned(key, this.#options)
      if (stamp === undefined || stamp.value.toString('latin1') >= time) return
      const item = { value: time, ttlMs: undefined, version: stamp.version }
      if (await this.#connection.replaceVersion(key, item, this.#options)) return
    }
    // Without a stamp everything that depends on it is void, too.
    await this.#connection.delete(key, this.#options)
  }

  /**
   * The time of a server that has none yet. It must not pass because of that: of two processes that begin it together, the later one
   * would void the lease of the other.
   */
  async #begin(): Promise<string> {
    const time = String(this.#beginning())
    for (let round = 0; round < TRIES; round++) {
      if (await this.#connection.add(this.#time, time, undefined, this.#options)) return storeTime(Number(time))
      const there = await this.#connection.get(this.#time, this.#options)
      if (there !== undefined) return storeTime(Number(there.toString('latin1')))
    }
    return this.tick()
  }

  /** Above everything before, even if the counter was evicted: it never counts as fast as time passes. */
  #beginning(): number {
    return Math.floor(this.now() * 1000)
  }

  async #fitting<Answer>(call: Promise<Answer>): Promise<Answer> {
    try {
      return await call
    } catch (error) {
      if (error instanceof MemcachedValueTooLargeError) throw new CacheValueError(error.message, error)
      throw error
    }
  }

  get #time(): string {
    return bounded(`${this.#namespace}/time`)
  }

  #entry(key: string): string {
    return bounded(`${this.#namespace}/e/${key}`)
  }

  #guard(guard: string): string {
    return bounded(`${this.#namespace}/g/${guard}`)
  }
}

function bounded(key: string): string {
  return key.length <= MAX_KEY ? key : `sha256/${createHash('sha256').update(key).digest('base64url')}`
}
