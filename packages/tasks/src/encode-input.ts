import type { TaskMessage } from './message.js'
import { InvalidInputError, PayloadTooLargeError } from './task-errors.js'

/**
 * Writes a message's input as JSON text; `''` for an input of `undefined`.
 *
 * @throws InvalidInputError for what JSON cannot hold (a BigInt, a cycle), PayloadTooLargeError above `largestBytes`.
 */
export function encodeInput({ task, input }: TaskMessage, largestBytes: number): string {
  if (input === undefined) return ''
  let text: string | undefined
  try {
    text = JSON.stringify(input)
  } catch (cause) {
    throw new InvalidInputError(`The input of task "${task}" cannot be written as JSON.`, { cause })
  }
  if (text === undefined) throw new InvalidInputError(`The input of task "${task}" cannot be written as JSON.`)
  // Only a text that might be too large is measured: no character takes more than three bytes per code unit.
  if (text.length * 3 > largestBytes && Buffer.byteLength(text) > largestBytes) {
    throw new PayloadTooLargeError(
      `The input of task "${task}" takes ${Buffer.byteLength(text)} bytes, more than the ${largestBytes} allowed; its largest field is ${largestField(input)}. Store what is large elsewhere and enqueue a reference to it.`,
    )
  }
  return text
}

/** Names the top-level field that takes the most room. */
function largestField(input: unknown): string {
  if (typeof input !== 'object' || input === null) return 'the whole of it'
  let largest = 'none'
  let most = -1
  for (const [field, value] of Object.entries(input)) {
    const length = JSON.stringify(value)?.length ?? 0
    if (length > most) {
      most = length
      largest = JSON.stringify(field)
    }
  }
  return largest
}
