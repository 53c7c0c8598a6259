import { asJson } from './as-json.js'
import type { AnyTask } from './task.js'

/**
 * Writes what a task answered as JSON text; `undefined` when there is nothing to keep, or the task keeps no results.
 *
 * @throws as {@link asJson} does.
 */
export function encodeResult(
  { name, keepResultMs }: AnyTask,
  output: unknown,
  largestBytes: number,
): string | undefined {
  return keepResultMs === 0 ? undefined : asJson(output, `The result of task "${name}"`, largestBytes)
}
