/**
 * How far a message got with one recipient, in the order in which it can only move forward.
 *
 * `failed` stands before `sent`, because a message that could not be sent may be sent later.
 */
export const SEND_STATES = ['queued', 'failed', 'sent', 'delivered', 'opened', 'clicked', 'bounced', 'spam'] as const

/** One of {@link SEND_STATES}. */
export type SendState = (typeof SEND_STATES)[number]

/** One message for one recipient. */
export interface SendLogEntry {
  /** Our own id of the message, the same from queue to click. */
  readonly id: string
  /** The transport's id, by which webhooks name the message; absent until it is sent. */
  readonly messageId?: string | undefined
  /** Stands for the recipient: see `addressHash`. */
  readonly recipientHash: string
  /** The template's name; absent for a message written by hand. */
  readonly template?: string | undefined
  readonly state: SendState
  /** When it got there, in milliseconds since the epoch. */
  readonly at: number
}

/** What a webhook says about one message and recipient. */
export interface SendLogChange {
  readonly messageId: string
  readonly recipientHash: string
  readonly state: SendState
  readonly at: number
}

/**
 * A record of every message and what became of it, without addresses or contents.
 *
 * States move only forward ({@link furtherState}): repeated and late reports change nothing. A log that fails never
 * fails a send.
 */
export interface SendLog {
  /** Adds entries; one with the same `id` and `recipientHash` is moved forward and learns its `messageId`. */
  record(entries: readonly SendLogEntry[]): Promise<void>
  /** Moves the entry of a message and recipient forward; answers whether there is such an entry. */
  advance(change: SendLogChange): Promise<boolean>
}

/** Gives whichever state is further along. */
export function furtherState(left: SendState, right: SendState): SendState {
  return SEND_STATES.indexOf(left) >= SEND_STATES.indexOf(right) ? left : right
}

/** A send log in this process, oldest entries dropped beyond `limit` (default 10 000). For tests and development. */
export function memorySendLog(options: { readonly limit?: number } = {}): MemorySendLog {
  return new MemorySendLog(options.limit ?? 10_000)
}

/** The log that {@link memorySendLog} gives. */
export class MemorySendLog implements SendLog {
  readonly #limit: number
  readonly #entries = new Map<string, SendLogEntry>()
  readonly #byMessage = new Map<string, string>()

  /** @internal Use {@link memorySendLog}. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Every entry, oldest first. */
  get entries(): readonly SendLogEntry[] {
    return [...this.#entries.values()]
  }

  async record(entries: readonly SendLogEntry[]): Promise<void> {
    for (const entry of entries) this.#put(`${entry.id} ${entry.recipientHash}`, entry)
  }

  async advance({ messageId, recipientHash, state, at }: SendLogChange): Promise<boolean> {
    const key = this.#byMessage.get(`${messageId} ${recipientHash}`)
    const entry = key === undefined ? undefined : this.#entries.get(key)
    if (key === undefined || entry === undefined) return false
    this.#put(key, { ...entry, state, at })
    return true
  }

  #put(key: string, entry: SendLogEntry): void {
    const known = this.#entries.get(key)
    const behind = known !== undefined && furtherState(known.state, entry.state) === known.state
    const messageId = entry.messageId ?? known?.messageId
    this.#entries.set(key, behind ? { ...known, messageId } : { ...entry, messageId })
    if (messageId !== undefined) this.#byMessage.set(`${messageId} ${entry.recipientHash}`, key)
    if (this.#entries.size > this.#limit) this.#dropOldest()
  }

  #dropOldest(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key)
      this.#byMessage.delete(`${entry.messageId} ${entry.recipientHash}`)
      return
    }
  }
}
