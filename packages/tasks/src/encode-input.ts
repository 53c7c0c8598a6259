import type { TaskMessage } from './message.js'
import { InvalidInputError, PayloadTooLargeError } from './task-errors.js'

/** Names and values of all headers of a task, in bytes. */
const LARGEST_HEADERS = 16_384

/**
 * Writes a message's input as JSON text; `''` for an input of `undefined`.
 *
 * @throws InvalidInputError for what JSON cannot hold (a BigInt, a cycle), PayloadTooLargeError above `largestBytes`, and
 * for headers of more than 16 KiB: every broker keeps them with the task's own facts, which it reads often.
 */
export function encodeInput({ task, input, headers }: TaskMessage, largestBytes: number): string {
  if (headers !== undefined) checkHeaders(task, headers)
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

function checkHeaders(task: string, headers: NonNullable<TaskMessage['headers']>): void {
  let length = 0
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw new InvalidInputError(`Header "${name}" of task "${task}" is not a text.`)
    length += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (length <= LARGEST_HEADERS) return
  throw new PayloadTooLargeError(
    `The headers of task "${task}" take ${length} bytes, more than the ${LARGEST_HEADERS} allowed; put what is large into its input.`,
  )
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
