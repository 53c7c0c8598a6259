import { InvalidInputError, PayloadTooLargeError } from './task-errors.js'

/**
 * Writes a value as JSON text; `undefined` for what JSON leaves out. `what` begins the sentence of an error.
 *
 * @throws InvalidInputError for what JSON cannot hold (a BigInt, a cycle), PayloadTooLargeError above `largestBytes`.
 */
export function asJson(value: unknown, what: string, largestBytes: number): string | undefined {
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
  } catch (cause) {
    throw new InvalidInputError(`${what} cannot be written as JSON.`, { cause })
  }
  // Only a text that might be too large is measured: no character takes more than three bytes per code unit.
  if (text === undefined || text.length * 3 <= largestBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= largestBytes) return text
  throw new PayloadTooLargeError(
    `${what} takes ${bytes} bytes, more than the ${largestBytes} allowed. Store what is large elsewhere and keep a reference to it.`,
  )
}
