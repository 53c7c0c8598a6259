/** Options of every {@link InfraError}. */
export interface InfraErrorOptions {
  /** Whether the same call may succeed later without a change of code or configuration. Default false. */
  readonly retryable?: boolean
  /** The error underneath. Pass client errors through `sanitizeError` first: they carry commands with passwords. */
  readonly cause?: unknown
}

/**
 * The base of every error that Plinth throws.
 *
 * `code` is a literal that callers may switch on; the message names the component, the backend and the remedy,
 * and never a password, a token, a key's value or a person's address.
 */
export class InfraError extends Error {
  override readonly name: string = 'InfraError'
  /** A stable literal such as `BACKEND_UNAVAILABLE`; `docs/errors.md` lists them all. */
  readonly code: string
  /** Whether the same call may succeed later without a change of code or configuration. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: InfraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** A mistake in configuration or in a call's arguments: it stays wrong until somebody changes it. */
export class MisconfiguredError extends InfraError {
  override readonly name: string = 'MisconfiguredError'

  constructor(message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(options.code ?? 'MISCONFIGURED', message, { cause: options.cause })
  }
}

/** A backend that cannot be reached, does not answer in time, or refuses for now: the call may be repeated later. */
export class BackendUnavailableError extends InfraError {
  override readonly name: string = 'BackendUnavailableError'
  /** Why: `closed` (not connected), `deadline` (no answer in time), `open` (breaker open), or `refused` (the server said not now). */
  readonly reason: UnavailableReason

  constructor(message: string, options: { readonly reason: UnavailableReason; readonly cause?: unknown }) {
    super('BACKEND_UNAVAILABLE', message, { retryable: true, cause: options.cause })
    this.reason = options.reason
  }
}

/** Why a backend was not asked, or did not answer. */
export type UnavailableReason = 'closed' | 'deadline' | 'open' | 'refused'

/** An optional client package is not installed. The message says what to install. */
export class MissingDependencyError extends InfraError {
  override readonly name: string = 'MissingDependencyError'

  constructor(what: string, packages: readonly string[], cause?: unknown) {
    super('MISSING_DEPENDENCY', `${what} needs ${packages.join(' and ')}. Run: npm install ${packages.join(' ')}`, {
      cause,
    })
  }
}
