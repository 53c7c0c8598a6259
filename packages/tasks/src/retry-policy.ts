import type { Duration } from '@plinth/config/units'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  FUNCTION,
  type Kinds,
  NUMBER,
  oneOf,
  wholeFrom,
} from './option-checks.js'
import { TaskDefinitionError } from './task-errors.js'

/** How long to wait before the next attempt. */
export type Backoff =
  /** 1 s, 2 s, 4 s ... up to an hour, each chosen at random from the upper half of its step. */
  | 'exponential'
  /** Always the same, 1 s. */
  | 'fixed'
  | ExponentialBackoff
  | FixedBackoff
  /** Your own: milliseconds before attempt `attempt + 1`. */
  | ((attempt: number, error: unknown) => number)

/** `first` doubles (or grows by `factor`) with every attempt, up to `max`. */
export interface ExponentialBackoff {
  readonly type: 'exponential'
  /** Default `'1s'`. */
  readonly first?: Duration
  /** Default 2. */
  readonly factor?: number
  /** Default `'1h'`. */
  readonly max?: Duration
  /** `full`: anywhere from 0 to the step; `half` (default): the upper half of the step; `none`: exactly the step. */
  readonly jitter?: Jitter
}

/** The same `delay` every time. */
export interface FixedBackoff {
  readonly type: 'fixed'
  /** Default `'1s'`. */
  readonly delay?: Duration
  /** Default `none`. */
  readonly jitter?: Jitter
}

/** How much of a delay is left to chance, so that tasks that failed together do not return together. */
export type Jitter = 'none' | 'half' | 'full'

/** When a failed task is tried again. */
export interface RetryOptions {
  /** How often it is run at most, the first time included. Default 3. */
  readonly attempts?: number
  /** Default `'exponential'`. */
  readonly backoff?: Backoff
  /** Answers false for errors that another attempt cannot mend: the task is then dead at once. */
  readonly retryIf?: (error: unknown) => boolean
}

/** A {@link RetryOptions} with every choice made. */
export interface RetryPolicy {
  readonly attempts: number
  /** Milliseconds before attempt `attempt + 1`. */
  readonly delayMs: (attempt: number, error: unknown) => number
  readonly retryIf: (error: unknown) => boolean
}

const KINDS = { attempts: wholeFrom(1, 1_000_000), backoff: ANY, retryIf: FUNCTION } satisfies Kinds<RetryOptions>
const JITTER = oneOf('none', 'half', 'full')
const FIXED = { type: ANY, delay: DURATION, jitter: JITTER } satisfies Kinds<FixedBackoff>
const EXPONENTIAL = {
  type: ANY,
  first: DURATION,
  factor: NUMBER,
  max: DURATION,
  jitter: JITTER,
} satisfies Kinds<ExponentialBackoff>

/**
 * Reads the retry options of a task.
 *
 * @throws TaskDefinitionError for what is misspelt, for `attempts` that are not a whole number from 1 on, and for what is no backoff.
 */
export function parseRetry(options: RetryOptions, task: string): RetryPolicy {
  checkOptions(options, KINDS, `retry of task "${task}"`)
  const { attempts = 3, backoff = 'exponential', retryIf = () => true } = options
  return { attempts, delayMs: parseBackoff(backoff, task), retryIf }
}

function parseBackoff(backoff: Backoff, task: string): RetryPolicy['delayMs'] {
  if (typeof backoff === 'function') return backoff
  const chosen: ExponentialBackoff | FixedBackoff =
    backoff === 'exponential' || backoff === 'fixed' ? { type: backoff } : backoff
  switch (chosen?.type) {
    case 'exponential':
      return exponential(chosen, task)
    case 'fixed': {
      checkOptions(chosen, FIXED, `backoff of task "${task}"`)
      const delay = durationOf(chosen.delay ?? '1s', `backoff.delay of task "${task}"`)
      const jitter = chosen.jitter ?? 'none'
      return () => withJitter(delay, jitter)
    }
    default:
      throw new TaskDefinitionError(
        `Task "${task}": retry.backoff must be 'exponential', 'fixed', an object of one of these types, or a function.`,
      )
  }
}

function exponential(options: ExponentialBackoff, task: string): RetryPolicy['delayMs'] {
  checkOptions(options, EXPONENTIAL, `backoff of task "${task}"`)
  const first = durationOf(options.first ?? '1s', `backoff.first of task "${task}"`)
  const max = durationOf(options.max ?? '1h', `backoff.max of task "${task}"`)
  const { factor = 2, jitter = 'half' } = options
  if (!(factor >= 1 && Number.isFinite(factor))) {
    throw new TaskDefinitionError(`Task "${task}": backoff.factor must be a number from 1 on (got ${String(factor)}).`)
  }
  return (attempt) => withJitter(Math.min(max, first * factor ** (attempt - 1)), jitter)
}

function withJitter(delayMs: number, jitter: Jitter): number {
  if (jitter === 'none') return Math.round(delayMs)
  const sure = jitter === 'half' ? delayMs / 2 : 0
  return Math.round(sure + Math.random() * (delayMs - sure))
}
