/**
 * What kind of failure an error is.
 *
 * `misconfigured` stays wrong until a person changes something, `outage` passes by itself, `bug` is a mistake in the code
 * that made the call (the server is well and said so).
 */
export type FaultKind = 'misconfigured' | 'outage' | 'bug'

/**
 * One line of the error table: which errors it is about, and what they mean.
 *
 * An error must match everything that the line names; the first line that it matches wins.
 */
export interface FaultRule {
  /** Names the line, such as `redis/wrong-password`. */
  readonly id: string
  readonly kind: FaultKind
  /** The error's `code` (or `responseCode`) is one of these. */
  readonly codes?: readonly (string | number)[]
  /** The error's `statusCode`, of HTTP, is one of these. */
  readonly statuses?: readonly number[]
  /** The error's message matches. */
  readonly message?: RegExp
  /** The server is well and refuses this one call only, so that a breaker must not count it. Default: true for a bug, else false. */
  readonly callOnly?: boolean
  /** What a person should do, as a sentence; `{password}`, `{db}`, `{address}` stand for the variables to change. */
  readonly remedy?: string
}

/** The parts of an error by which it is sorted. */
export interface ErrorFacts {
  readonly codes: readonly unknown[]
  readonly status: unknown
  readonly message: string
}

/** Finds the first rule that an error, or one of its causes, matches. */
export function findFault(error: unknown, rules: readonly FaultRule[]): FaultRule | undefined {
  for (const facts of factsOf(error)) {
    const rule = rules.find((each) => ruleMatches(each, facts))
    if (rule !== undefined) return rule
  }
  return undefined
}

const SETTINGS: Readonly<Record<string, string>> = {
  address: 'the address',
  db: 'the DB number',
  password: 'the password',
}

/** A rule's remedy with the variables of this user in it. */
export function describeRemedy(rule: FaultRule, variables: Readonly<Partial<Record<string, string>>> = {}): string {
  return (rule.remedy ?? '').replace(/\{(\w+)\}/g, (_, name: string) => variables[name] ?? SETTINGS[name] ?? name)
}

function ruleMatches({ codes, statuses, message }: FaultRule, facts: ErrorFacts): boolean {
  if (codes === undefined && statuses === undefined && message === undefined) return false
  if (codes !== undefined && !codes.some((code) => facts.codes.includes(code))) return false
  if (statuses !== undefined && !statuses.some((status) => status === facts.status)) return false
  return message === undefined || message.test(facts.message)
}

/**
 * The error itself, then what caused it. A Cluster client's own error says only that no node answered: what the last of them
 * said comes first.
 */
function* factsOf(error: unknown, depth = 0): Generator<ErrorFacts> {
  if (typeof error === 'string') yield { codes: [], status: undefined, message: error }
  if (typeof error !== 'object' || error === null || depth > 4) return
  const { code, responseCode, statusCode, message, cause, lastNodeError, errors } = error as Readonly<
    Record<string, unknown>
  >
  yield* factsOf(lastNodeError, depth + 1)
  yield { codes: [code, responseCode], status: statusCode, message: typeof message === 'string' ? message : '' }
  yield* factsOf(cause, depth + 1)
  if (Array.isArray(errors)) for (const each of errors.slice(0, 10)) yield* factsOf(each, depth + 1)
}
