/** A real server on loopback, started for a test, with the faults that a test can do to it. */
export interface Server extends AsyncDisposable {
  /** How a client reaches it, with the password if it has one. The same after a restart. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** The pid of the server process. Throws while it is down. */
  readonly pid: number
  /** Asks it to end (SIGTERM) and waits until it has. Its data are kept for {@link restart}. Does nothing when it is down. */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL), as a crash does: nothing is flushed, clients see a reset. */
  kill(): Promise<void>
  /** Halts it (SIGSTOP): connections stay open and new ones are accepted by the system, nothing answers. */
  freeze(): Promise<void>
  /** Lets a frozen server go on (SIGCONT): it answers what waited. */
  thaw(): Promise<void>
  /** Starts it again on the same port with the same data, ending it first when it runs. Resolves once it serves. */
  restart(): Promise<void>
  /** Ends it for good and removes its data. */
  close(): Promise<void>
}
