import type { Channel, ConsumeMessage } from 'amqplib'
import type { Envelope } from './rabbit-codec.js'
import type { RabbitSession } from './rabbit-link.js'

/** One delivery in hand. What acknowledges it belongs to the session that brought it, and to no other. */
export interface Held {
  readonly envelope: Envelope
  readonly suspect: boolean
  /** Counts up with every delivery of a consumer. */
  readonly arrival: number
  raw: ConsumeMessage
  channel: Channel
  session: RabbitSession
  progress: string | undefined
  /** Names its start alone, when it is a suspect that was started. */
  start: string | undefined
}

/** The tag under which a consumer takes from a queue. */
export function tagOf(name: string): string {
  return `plinth:${name}`
}

/** What settles a delivery on the channel that brought it. */
export type Receipt = Pick<Held, 'raw' | 'channel' | 'session'>

/** Acknowledges on the channel that delivered, and answers whether it did; after its session the tag would mean another message. */
export function acknowledge(receipt: Receipt): boolean {
  return settle(receipt, ({ channel, raw }) => channel.ack(raw))
}

/** Puts a delivery back into its queue, and answers whether it did; with the end of its session it goes there by itself. */
export function putBack(receipt: Receipt): boolean {
  return settle(receipt, ({ channel, raw }) => channel.nack(raw, false, true))
}

function settle(receipt: Receipt, say: (receipt: Receipt) => void): boolean {
  if (receipt.session.over.aborted) return false
  try {
    say(receipt)
    return true
  } catch {
    return false // the channel closed this very moment: the message comes again
  }
}

/** Whether a process may have died with this message in hand. */
export function cameBack(raw: ConsumeMessage): boolean {
  return raw.fields.redelivered || Number(raw.properties.headers?.['x-delivery-count'] ?? 0) > 0
}
