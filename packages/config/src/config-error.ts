import { inspect } from 'node:util'

/**
 * One thing that is wrong with what was configured, as plain data.
 *
 * A fault never holds a value that was configured as a secret, so it may be logged and shown as it is.
 */
export interface Fault {
  /** The kind of fault in kebab-case, such as `invalid`, `unknown-variable` or the id of a production rule. */
  readonly id: string

  /** What is wrong: the environment variables concerned, or the option as the code calls it. */
  readonly subjects: readonly string[]

  /** What is wrong with it, as one clause that can follow the subject: `must be one of memory, redis (got "reddis")`. */
  readonly problem: string

  /** What to do about it, as one sentence. */
  readonly remedy: string
}

/**
 * Thrown when something was configured wrongly: a mistake of the operator or the programmer, never an outage.
 *
 * Holds every fault that was found, not just the first; its message lists them all, each with its remedy, and is all that
 * a console shows of it besides the stack.
 */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'

  /** Always `CONFIG_INVALID`. */
  readonly code: 'CONFIG_INVALID' = 'CONFIG_INVALID'

  /** Always `false`: the same configuration gives the same error again. */
  readonly retryable: false = false

  /** All that is wrong, in the order in which it was found. */
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[], options?: ErrorOptions) {
    super(describeFaults(faults), options)
    this.faults = faults
  }

  static {
    // Without this a console would repeat every fault as an object below the message.
    Object.defineProperty(ConfigError.prototype, inspect.custom, { value: showStack })
  }
}

function showStack(this: ConfigError): string {
  return this.stack ?? `${this.name}: ${this.message}`
}

/** Gives the text a person reads: one line for a single fault, otherwise a headed list, each with its remedy. */
export function describeFaults(faults: readonly Fault[]): string {
  const [first, ...others] = faults
  if (first === undefined) return 'The configuration is valid.'
  if (others.length === 0) return `${describeFault(first)} ${first.remedy}`
  const lines = faults.map((fault) => `  - ${describeFault(fault)}\n    ${fault.remedy}`)
  return [`The configuration has ${faults.length} faults:`, ...lines].join('\n')
}

function describeFault(fault: Fault): string {
  return `${fault.subjects.join(' and ')} ${fault.problem}.`
}
