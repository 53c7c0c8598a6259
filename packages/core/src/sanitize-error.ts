import { InfraError } from './infra-error.js'

/** What {@link sanitizeError} must not let through, beside what it always removes. */
export interface SanitizeOptions {
  /** Literal texts, such as the password in use, to be replaced wherever they stand. */
  readonly secrets?: readonly string[]
}

const REDACTED = '[redacted]'
const SHORTEST_SECRET = 3
const DEEPEST_CAUSE = 4
/** Small facts about a failure that name no user data. `command` is not among them: its arguments are keys, values and passwords. */
const SAFE_FACTS = [
  'code',
  'errno',
  'syscall',
  'hostname',
  'address',
  'port',
  'statusCode',
  'responseCode',
  'previousErrors',
]

/**
 * Copies an error of a client without what must not be seen: arguments of commands, credentials in URLs, known secrets.
 *
 * Name, message, stack, error codes, address and causes stay; of a command only its name and the number of its arguments
 * stay. An {@link InfraError} is answered as it is. What is no error becomes one.
 */
export function sanitizeError(error: unknown, options: SanitizeOptions = {}): Error {
  return copyError(error, options.secrets ?? [], 0)
}

/** Replaces credentials in URLs, echoed command arguments and the given secrets in a text. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let clean = text
    .replace(/(with args beginning with:).*/gs, `$1 ${REDACTED}`)
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, `$1${REDACTED}@`)
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue
    for (const form of new Set([secret, encodeURIComponent(secret)])) clean = clean.replaceAll(form, REDACTED)
  }
  return clean
}

function copyError(error: unknown, secrets: readonly string[], depth: number): Error {
  if (error instanceof InfraError) return error
  if (!(error instanceof Error)) return new Error(redactText(describeThrown(error), secrets))
  const clean = new Error(redactText(error.message, secrets))
  define(clean, 'name', error.name)
  define(clean, 'stack', redactText(error.stack ?? `${error.name}: ${error.message}`, secrets))
  const facts = error as unknown as Readonly<Record<string, unknown>>
  for (const fact of SAFE_FACTS) {
    const value = facts[fact]
    if (typeof value === 'string') Object.assign(clean, { [fact]: redactText(value, secrets) })
    else if (typeof value === 'number') Object.assign(clean, { [fact]: value })
  }
  const command = describeCommand(facts.command)
  if (command !== undefined) Object.assign(clean, { command })
  if (depth < DEEPEST_CAUSE) copyCauses(clean, facts, secrets, depth + 1)
  return clean
}

function copyCauses(
  clean: Error,
  facts: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
  depth: number,
): void {
  const cause = facts.cause ?? facts.lastNodeError
  if (cause !== undefined && cause !== null) define(clean, 'cause', copyError(cause, secrets, depth))
  if (Array.isArray(facts.errors)) {
    define(
      clean,
      'errors',
      facts.errors.slice(0, 10).map((each) => copyError(each, secrets, depth)),
    )
  }
}

function describeCommand(command: unknown): { readonly name: string; readonly argCount: number } | undefined {
  if (typeof command !== 'object' || command === null || !('name' in command)) return undefined
  const args = 'args' in command && Array.isArray(command.args) ? command.args : []
  return { name: String(command.name), argCount: args.length }
}

function describeThrown(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : `what was thrown is no error (${typeof thrown})`
}

function define(error: Error, property: string, value: unknown): void {
  Object.defineProperty(error, property, { value, writable: true, configurable: true, enumerable: false })
}
