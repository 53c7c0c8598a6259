import type { RedisClient, RedisConnection } from '@plinth/core/redis'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'

/** Idle workers look for themselves this often, in case a mark was taken by one that died. */
const LONGEST_SLEEP_MS = 5000

/** A mark that was taken: whose it was, and when the job it announces is due (0: now). */
export interface Mark {
  readonly key: string
  readonly dueAt: number
}

/**
 * Sleeps until one of several queues has work.
 *
 * BullMQ leaves a mark in a sorted set of each queue that has, or will have, something to do; one blocking command on one
 * connection waits for the marks of all of them.
 */
export class WakeUp {
  readonly #connection: RedisConnection
  readonly #keys: readonly string[]
  #client: RedisClient | undefined
  #sleeping: Promise<Mark | undefined> | undefined
  #closed = false

  constructor(connection: RedisConnection, keys: readonly string[]) {
    this.#connection = connection
    this.#keys = keys
  }

  get sleeping(): boolean {
    return this.#sleeping !== undefined
  }

  /** Answers a mark, or `undefined` after `forMs` (and at most five seconds) without one. Never rejects. */
  sleep(forMs: number): Promise<Mark | undefined> {
    this.#sleeping ??= this.#wait(forMs).finally(() => {
      this.#sleeping = undefined
    })
    return this.#sleeping
  }

  /** Ends a sleep at once. A mark that was lost that way is put back, so that another worker finds it. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#client?.disconnect()
    // A client that is ended between two attempts to connect never answers what it was asked.
    const answered = new AbortController()
    await Promise.race([this.#sleeping, sleep(this.#connection.available ? 1000 : 0, answered.signal)])
    answered.abort() // takes the timer away
    if (!this.#connection.available) return
    await Promise.all(
      this.#keys.map((key) => this.#connection.run((client) => client.zadd(key, 0, '0')).catch(() => {})),
    )
  }

  async #wait(forMs: number): Promise<Mark | undefined> {
    const ms = Math.max(1, Math.min(forMs, LONGEST_SLEEP_MS))
    this.#client ??= this.#connection.blocking()
    const client = this.#client
    // A connection that was cut without a word would sleep for ever.
    const cancel = systemTaskClock.after(ms + 2000, () => {
      if (!this.#closed) client.disconnect(true)
    })
    try {
      const answer = await client.bzpopmin(...(this.#keys as [string, ...string[]]), ms / 1000)
      if (answer === null) return undefined
      const [key, member, score] = answer
      return { key, dueAt: member === '0' ? 0 : Number(score) }
    } catch {
      return undefined
    } finally {
      cancel()
    }
  }
}
