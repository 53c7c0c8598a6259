/** How long one call may take, and what may end it sooner. */
export interface CallOptions {
  /** Milliseconds until the call rejects with `BackendUnavailableError` of reason `deadline`. The command may still run. */
  readonly deadlineMs?: number
  /** Ends the wait, not the command: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What a listener learns when a connection comes or goes. */
export interface AvailabilityChange {
  readonly available: boolean
  /** On recovery, how long it was away, in milliseconds; otherwise 0. */
  readonly downForMs: number
  /** What took it away, sanitised. */
  readonly error?: Error
}
