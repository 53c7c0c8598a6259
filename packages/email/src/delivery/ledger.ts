import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '@plinth/core'
import type { EmailStore } from '../stores/email-store.js'

/** What an idempotency key says about a message. */
export type Claim =
  /** Nobody has sent it: the caller now may. */
  | { readonly kind: 'first'; readonly attempt: string }
  /** An earlier attempt ended at `endedAt` without anybody knowing how: the caller now may find out. */
  | { readonly kind: 'uncertain'; readonly attempt: string; readonly endedAt: number }
  /** It was sent, as `id`. */
  | { readonly kind: 'sent'; readonly id: string }
  /** Somebody is sending it right now. */
  | { readonly kind: 'busy' }

type Entry =
  | { readonly state: 'pending' | 'unknown'; readonly attempt: string; readonly at: number }
  | { readonly state: 'sent'; readonly id: string }

/** How long a key is remembered. */
const REMEMBER_MS = 24 * 60 * 60 * 1000

/**
 * What was sent under which idempotency key, in one {@link EmailStore}.
 *
 * A key is `pending` while an attempt runs, `sent` for a day afterwards, `unknown` when its attempt ended ambiguously,
 * and absent when nothing was sent. An attempt that did not settle its key within the lease has died: then, as after an
 * unknown end, exactly one later caller may take the key over.
 */
export class Ledger {
  readonly #store: EmailStore
  readonly #clock: Clock
  readonly #leaseMs: number

  constructor(store: EmailStore, clock: Clock, leaseMs: number) {
    this.#store = store
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  async claim(key: string): Promise<Claim> {
    const name = storeKey(key)
    const attempt = randomUUID()
    const pending = JSON.stringify({ state: 'pending', attempt, at: this.#clock.now() } satisfies Entry)
    if (await this.#store.add(name, pending, REMEMBER_MS)) return { kind: 'first', attempt }
    const entry = parseEntry(await this.#store.get(name))
    if (entry === undefined) return { kind: 'busy' } // it was let go a moment ago: the caller asks again
    if (entry.state === 'sent') return { kind: 'sent', id: entry.id }
    const endedAt = entry.state === 'pending' ? entry.at + this.#leaseMs : entry.at
    if (endedAt > this.#clock.now()) return { kind: 'busy' }
    if (!(await this.#store.add(`${name}:${entry.attempt}`, attempt, this.#leaseMs))) return { kind: 'busy' }
    await this.#store.set(name, pending, REMEMBER_MS)
    return { kind: 'uncertain', attempt, endedAt }
  }

  /** The message was sent. */
  async sent(key: string, id: string): Promise<void> {
    await this.#store.set(storeKey(key), JSON.stringify({ state: 'sent', id } satisfies Entry), REMEMBER_MS)
  }

  /** Nobody knows whether the attempt that ended at `endedAt` sent it. */
  async unknown(key: string, attempt: string, endedAt: number): Promise<void> {
    const entry: Entry = { state: 'unknown', attempt, at: endedAt }
    await this.#store.set(storeKey(key), JSON.stringify(entry), REMEMBER_MS)
  }

  /** Nothing was sent: the key is free again, unless another attempt has taken it over. */
  async release(key: string, attempt: string): Promise<void> {
    const entry = parseEntry(await this.#store.get(storeKey(key)))
    if (entry?.state === 'pending' && entry.attempt === attempt) await this.#store.delete(storeKey(key))
  }
}

/** Gives the form of a key that stores and providers take, whatever the caller wrote: 43 letters, digits, `_` and `-`. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}

function storeKey(key: string): string {
  return `sent:${hashKey(key)}`
}

function parseEntry(text: string | undefined): Entry | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Entry)
}
