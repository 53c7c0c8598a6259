import { classifyFault, type FaultSource } from './faults/classify-fault.js'
import { describeRemedy } from './faults/fault.js'
import { BackendUnavailableError, InfraError, MisconfiguredError, type UnavailableReason } from './infra-error.js'
import { sanitizeError } from './sanitize-error.js'

/** What an error is about, so that its message can name it. */
export interface ErrorSubject {
  /** The backend and where it is: `cache: Redis at 127.0.0.1:6379/0`. */
  readonly label: string
  readonly source: FaultSource
  /** Literal secrets to keep out of the error. */
  readonly secrets: readonly string[]
  /** The variables that the settings came from, such as `{ password: 'CACHE_REDIS_PASSWORD' }`. */
  readonly variables?: Readonly<Partial<Record<string, string>>>
}

/**
 * Answers the error of the house that stands for a client's error, sanitised: a `BackendUnavailableError` for an outage, a
 * `MisconfiguredError` with its remedy for a mistake. A bug comes back as itself, sanitised.
 */
export function toInfraError(error: unknown, subject: ErrorSubject): Error {
  if (error instanceof InfraError) return error
  const { kind, rule } = classifyFault(error, subject.source)
  const cause = sanitizeError(error, { secrets: subject.secrets })
  if (kind === 'bug') return cause
  if (kind === 'outage') {
    const reason: UnavailableReason = isAnswer(cause) ? 'refused' : 'closed'
    return new BackendUnavailableError(`${subject.label} is unavailable: ${brief(cause)}`, { reason, cause })
  }
  const remedy = rule === undefined ? '' : describeRemedy(rule, subject.variables)
  return new MisconfiguredError(`${subject.label} refuses: ${brief(cause)} ${remedy}`.trimEnd(), { cause })
}

/** Servers answer in capitals: `LOADING Redis is loading`, `ERR max number of clients reached`. */
function isAnswer(error: Error): boolean {
  return error.name === 'ReplyError' || /^[A-Z]{3,} /.test(error.message)
}

function brief(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const text = error.message === '' ? (code ?? error.name) : error.message
  const sentence = code !== undefined && !text.includes(code) ? `${text} (${code})` : text
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}
