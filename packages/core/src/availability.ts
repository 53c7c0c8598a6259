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

/** How long to wait for something to become available. */
export interface ReadyOptions {
  /** Milliseconds to wait at most. Default 3000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** What a connection that was given out before it was connected tells about its start. */
export interface Readiness {
  /** Why it is not available; absent while it is, and before anything is known. */
  readonly error: Error | undefined
  /**
   * Waits until it is available and answers true; when the time is up it answers false and keeps connecting.
   * Rejects with the `MisconfiguredError` when only a person can help, or with the signal's reason.
   */
  whenReady(options?: ReadyOptions): Promise<boolean>
}
