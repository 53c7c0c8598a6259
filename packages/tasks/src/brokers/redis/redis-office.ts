import { randomUUID } from 'node:crypto'
import { BackendUnavailableError, type Closable } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { Term } from '../../broker.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { dropLease, renewLease, saveAsLeader } from './task-scripts.js'

/** A leader that is not heard of for so long leads no more. */
const LEASE_MS = 6000
/** How often a leader renews its lease, and others ask for it. */
const TURN_MS = 2000

/**
 * One candidate for leading something among all processes of a Redis broker.
 *
 * Leadership is a lease with a token. What a leader leaves is written only while the lease is its own, in the same step.
 */
export class RedisOffice implements Closable {
  readonly #connection: RedisConnection
  readonly #lease: string
  readonly #state: string
  readonly #lead: (term: Term) => Promise<void>
  readonly #down = new AbortController()
  readonly #serving: Promise<void>

  constructor(connection: RedisConnection, key: string, lead: (term: Term) => Promise<void>) {
    this.#connection = connection
    this.#lease = key
    this.#state = `${key}:state`
    this.#lead = lead
    this.#serving = this.#serve()
  }

  async close(): Promise<void> {
    this.#down.abort()
    await this.#serving
  }

  async #serve(): Promise<void> {
    while (!this.#down.signal.aborted) {
      const token = randomUUID()
      const began = systemTaskClock.elapsed()
      try {
        const answer = await this.#connection.run((client) => client.set(this.#lease, token, 'PX', LEASE_MS, 'NX'))
        if (answer === 'OK') await this.#serveTerm(token, began)
      } catch {
        // the server is away: asked again soon
      }
      await sleep(TURN_MS, this.#down.signal)
    }
  }

  async #serveTerm(token: string, began: number): Promise<void> {
    const over = new AbortController()
    const end = (): void => over.abort()
    this.#down.signal.addEventListener('abort', end, { once: true })
    const renewing = this.#keepLease(token, began, over)
    try {
      const state = await this.#connection.run((client) => client.get(this.#state))
      await this.#lead({
        signal: over.signal,
        state: state ?? undefined,
        save: (text) => this.#save(token, text),
      })
    } finally {
      end()
      this.#down.signal.removeEventListener('abort', end)
      await renewing
      await this.#connection.run((client) => dropLease.run(client, [this.#lease], [token])).catch(() => {}) // it runs out
    }
  }

  /** Renews the lease until the term is over, and ends the term when that fails for too long. */
  async #keepLease(token: string, began: number, over: AbortController): Promise<void> {
    let renewedAt = began
    while (!over.signal.aborted) {
      await sleep(TURN_MS, over.signal)
      if (over.signal.aborted) return
      const asked = systemTaskClock.elapsed()
      try {
        const kept = await this.#connection.run((client) => renewLease.run(client, [this.#lease], [token, LEASE_MS]))
        if (Number(kept) === 0) over.abort()
        else renewedAt = asked
      } catch {
        if (systemTaskClock.elapsed() - renewedAt > LEASE_MS - TURN_MS) over.abort()
      }
    }
  }

  async #save(token: string, text: string): Promise<void> {
    const saved = await this.#connection.run((client) =>
      saveAsLeader.run(client, [this.#lease, this.#state], [token, text]),
    )
    if (Number(saved) === 1) return
    throw new BackendUnavailableError('Another process leads by now; nothing was saved.', { reason: 'refused' })
  }
}
