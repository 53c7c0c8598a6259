import type { ConsumeMessage } from 'amqplib'
import { encodeInput } from '../../encode-input.js'
import type { TaskMessage } from '../../message.js'

/** A message on its way, and what has happened to it so far. */
export interface Envelope {
  readonly message: TaskMessage
  /** Attempts that count so far. */
  readonly made: number
  /** How often it was put back so far: a message of a later turn goes on with its task, one of the same turn is a copy. */
  readonly turn: number
  /** It was put back after it had ended, so that it has is no reason to drop it. */
  readonly replayed?: true
}

/** Writes a new message. Throws as `encodeInput` does. */
export function encodeMessage(message: TaskMessage, largestBytes: number): Buffer {
  const input = encodeInput(message, largestBytes)
  const head = isPlain(message) ? encodePlain(message) : JSON.stringify({ ...message, input: undefined, made: 0 })
  return Buffer.from(input === '' ? head : `${head.slice(0, -1)},"input":${input}}`)
}

/** Whether a message has nothing but what every message has. */
function isPlain(message: TaskMessage): boolean {
  const { dueAt, expiresAt, dedupe, parent, root, headers, parkedAt } = message
  return (
    dueAt === undefined &&
    expiresAt === undefined &&
    dedupe === undefined &&
    parent === undefined &&
    root === undefined &&
    headers === undefined &&
    parkedAt === undefined
  )
}

/** The same as JSON would write, at a fraction of its price: most messages are plain. */
function encodePlain(message: TaskMessage): string {
  const { id, task, version, queue, lane, attempts, enqueuedAt, keepResultMs, keepDeadMs } = message
  return `{"id":${JSON.stringify(id)},"task":${JSON.stringify(task)},"version":${version},"queue":${JSON.stringify(queue)},"lane":"${lane}","attempts":${attempts},"enqueuedAt":${enqueuedAt},"keepResultMs":${keepResultMs},"keepDeadMs":${keepDeadMs},"made":0}`
}

/** Writes a message that has been on its way. */
export function encodeEnvelope({ message, ...state }: Envelope): Buffer {
  return Buffer.from(JSON.stringify({ ...message, ...state }))
}

/** Reads a message; `undefined` when it is none of ours. */
export function decodeEnvelope({ content }: ConsumeMessage): Envelope | undefined {
  try {
    // The message keeps its state beside it: to take it out would cost more than all else here.
    const message = JSON.parse(content.toString()) as TaskMessage & Partial<Omit<Envelope, 'message'>>
    const { id, task, made, turn = 0, replayed } = message
    if (typeof id !== 'string' || typeof task !== 'string' || typeof made !== 'number') return undefined
    return replayed === true ? { message, made, turn, replayed } : { message, made, turn }
  } catch {
    return undefined
  }
}
