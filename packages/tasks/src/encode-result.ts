import type { AnyTask } from './task.js'
import { PayloadTooLargeError } from './task-errors.js'

/**
 * Writes what a task answered as JSON text; `undefined` when there is nothing to keep, or the task keeps no results.
 *
 * @throws PayloadTooLargeError above `largestBytes`, and what `JSON.stringify` throws for what JSON cannot hold.
 */
export function encodeResult(
  { name, keepResultMs }: AnyTask,
  output: unknown,
  largestBytes: number,
): string | undefined {
  if (keepResultMs === 0) return undefined
  const text = JSON.stringify(output) as string | undefined
  // Only a text that might be too large is measured: no character takes more than three bytes per code unit.
  if (text === undefined || text.length * 3 <= largestBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= largestBytes) return text
  throw new PayloadTooLargeError(
    `The result of task "${name}" takes ${bytes} bytes, more than the ${largestBytes} allowed. Store what is large elsewhere and answer a reference to it, or set keep.result to 0.`,
  )
}
