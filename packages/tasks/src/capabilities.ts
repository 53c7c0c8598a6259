import type { TaskBroker } from './broker.js'
import type { TaskMessage } from './message.js'
import type { AnyTask } from './task.js'
import { CapabilityError } from './task-errors.js'

/**
 * Checks that a broker can honour a definition (and the options of one message), so that nothing is silently ignored.
 *
 * @throws CapabilityError that names the option and what to do instead.
 */
export function checkCapabilities(task: AnyTask, broker: TaskBroker, message?: TaskMessage): void {
  const { name, capabilities } = broker
  if ((task.timeoutMs ?? Number.POSITIVE_INFINITY) > capabilities.longestRunMs) {
    throw new CapabilityError(
      `Task "${task.name}" may run ${task.timeoutMs === undefined ? 'without limit' : `for ${task.timeoutMs} ms`}, but on ${name} an attempt can take at most ${capabilities.longestRunMs} ms. Give it a shorter timeout, or split the work.`,
    )
  }
  if (message?.dedupe?.debounce !== undefined && !capabilities.debounce) {
    throw new CapabilityError(`Task "${task.name}" cannot be debounced on ${name}.`)
  }
}
