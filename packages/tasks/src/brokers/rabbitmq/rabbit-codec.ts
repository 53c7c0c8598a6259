import type { ConsumeMessage } from 'amqplib'
import { encodeInput } from '../../encode-input.js'
import type { TaskMessage } from '../../message.js'

/** A message on its way, and what has happened to it so far. */
export interface Envelope {
  readonly message: TaskMessage
  /** Attempts that count so far. */
  readonly made: number
}

/** Writes a new message. Throws as `encodeInput` does. */
export function encodeMessage(message: TaskMessage, largestBytes: number): Buffer {
  const input = encodeInput(message, largestBytes)
  const { input: _, ...rest } = message
  const head = JSON.stringify({ made: 0, ...rest })
  return Buffer.from(input === '' ? head : `${head.slice(0, -1)},"input":${input}}`)
}

/** Writes a message that has been on its way. */
export function encodeEnvelope({ message, made }: Envelope): Buffer {
  return Buffer.from(JSON.stringify({ made, ...message }))
}

/** Reads a message; `undefined` when it is none of ours. */
export function decodeEnvelope({ content }: ConsumeMessage): Envelope | undefined {
  try {
    const { made, ...message } = JSON.parse(content.toString()) as TaskMessage & { readonly made: number }
    const isMessage = typeof message.id === 'string' && typeof message.task === 'string' && typeof made === 'number'
    return isMessage ? { message, made } : undefined
  } catch {
    return undefined
  }
}
