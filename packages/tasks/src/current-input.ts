import type { TaskMessage } from './message.js'
import type { AnyTask } from './task.js'
import { InvalidInputError } from './task-errors.js'

/**
 * Gives the input of a message as a handler takes it now: brought up from an older version, and parsed.
 *
 * Throws, or rejects with, `InvalidInputError` when either fails.
 */
export function currentInput(definition: AnyTask, { version, input }: TaskMessage): unknown | Promise<unknown> {
  if (version === definition.version) return definition.parseInput(input)
  let current: unknown
  try {
    current = definition.upcast(input, version)
  } catch (cause) {
    throw new InvalidInputError(
      `The input of task "${definition.name}" cannot be brought up from version ${version}.`,
      { cause },
    )
  }
  return definition.parseInput(current)
}
