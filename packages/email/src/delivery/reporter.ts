import type { Clock } from '@plinth/core'
import { addressHash } from '../message/address-hash.js'
import { type Message, recipientsOf } from '../message/message.js'
import type { DeliveryResult } from '../send-result.js'
import type { EmailStore } from '../stores/email-store.js'
import { furtherState, type SendLog, type SendLogEntry, type SendState } from '../stores/send-log.js'
import type { SuppressionList, SuppressionReason } from '../stores/suppression-list.js'
import type { EmailEvent, EmailEventType } from '../webhooks/email-event.js'
import { hashKey } from './ledger.js'

/** What a {@link Reporter} writes to. */
export interface ReporterParts {
  readonly sendLog: SendLog | undefined
  readonly suppressions: SuppressionList
  readonly store: EmailStore
  readonly clock: Clock
  readonly onTrouble: (error: unknown) => void
}

/** How long a report that came before its message was recorded is kept. */
const EARLY_MS = 60 * 60 * 1000
/** How long a report is known as seen: Postmark repeats one for little more than an hour. */
const SEEN_MS = 2 * 24 * 60 * 60 * 1000

const STATES: Partial<Record<EmailEventType, SendState>> = {
  delivered: 'delivered',
  opened: 'opened',
  clicked: 'clicked',
  bounced: 'bounced',
  complained: 'spam',
}

const SUPPRESSING: Partial<Record<EmailEventType, SuppressionReason>> = {
  bounced: 'bounce',
  complained: 'complaint',
  unsubscribed: 'unsubscribe',
}

/** Keeps the send log and the suppression list up to date with what was sent and what the provider reports. */
export class Reporter {
  readonly #parts: ReporterParts

  constructor(parts: ReporterParts) {
    this.#parts = parts
  }

  /** Records that a message waits in the queue, or could not be sent. Never rejects. */
  async record(id: string, message: Message, state: 'queued' | 'failed'): Promise<void> {
    await this.#write(recipientsOf(message).map(({ address }) => this.#entry(id, message, address, state)))
  }

  /** Records what was sent. Never rejects. */
  async recordResult(id: string, message: Message, result: DeliveryResult): Promise<void> {
    if (this.#parts.sendLog === undefined || result.status === 'skipped') return
    const reached = result.recipients.filter(({ outcome }) => outcome === 'accepted' || outcome === 'delayed')
    await this.#write(
      reached.map(({ address }) => ({ ...this.#entry(id, message, address, 'sent'), messageId: result.id })),
    )
    for (const { address } of reached) await this.#catchUp(result.id, addressHash(address))
  }

  /** Takes in a report and has `handle` work with it; answers false for one that was seen before. */
  async take(event: EmailEvent, handle: ((event: EmailEvent) => unknown) | undefined): Promise<boolean> {
    const { store } = this.#parts
    const seen = `event:${hashKey(event.id)}`
    if (!(await store.add(seen, '1', SEEN_MS))) return false
    try {
      await this.#suppress(event)
      await this.#advance(event)
      await handle?.(event)
      return true
    } catch (error) {
      await store.delete(seen).catch(this.#parts.onTrouble)
      throw error
    }
  }

  async #suppress(event: EmailEvent): Promise<void> {
    const { suppressions } = this.#parts
    const reason = SUPPRESSING[event.type]
    if (event.type === 'resubscribed') await suppressions.remove(event.stream, event.recipient)
    else if (reason !== undefined && event.inactive !== false)
      await suppressions.add(event.stream, event.recipient, reason)
  }

  async #advance({ type, messageId, recipient, at }: EmailEvent): Promise<void> {
    const state = STATES[type]
    const { sendLog, store } = this.#parts
    if (state === undefined || sendLog === undefined) return
    const recipientHash = addressHash(recipient)
    if (await sendLog.advance({ messageId, recipientHash, state, at })) return
    const early = (await store.get(earlyKey(messageId, recipientHash))) as SendState | undefined
    await store.set(
      earlyKey(messageId, recipientHash),
      early === undefined ? state : furtherState(early, state),
      EARLY_MS,
    )
  }

  /** A report may arrive before the answer to the send was recorded: apply it now. */
  async #catchUp(messageId: string, recipientHash: string): Promise<void> {
    const { sendLog, store, clock, onTrouble } = this.#parts
    try {
      const state = (await store.get(earlyKey(messageId, recipientHash))) as SendState | undefined
      if (state !== undefined) await sendLog?.advance({ messageId, recipientHash, state, at: clock.now() })
    } catch (error) {
      onTrouble(error)
    }
  }

  #entry(id: string, message: Message, address: string, state: SendState): SendLogEntry {
    return { id, recipientHash: addressHash(address), template: message.template, state, at: this.#parts.clock.now() }
  }

  async #write(entries: readonly SendLogEntry[]): Promise<void> {
    if (entries.length === 0) return
    await this.#parts.sendLog?.record(entries).catch(this.#parts.onTrouble)
  }
}

function earlyKey(messageId: string, recipientHash: string): string {
  return `early:${hashKey(`${messageId} ${recipientHash}`)}`
}
