/** One value that is written only by whoever knows what stands there. */
export interface Cell {
  readonly bytes: Buffer
  /** Opaque: what {@link Cells.swap} compares. */
  readonly version: unknown
}

/**
 * The least a server must offer to keep entries: one cell for each entry, replaced by comparison, and stamps that only rise.
 *
 * Every method is one round trip. Keys are those of the namespace's own kinds. Failures reject with `BackendUnavailableError`.
 */
export interface Cells {
  /** The server's clock in milliseconds, as far as known here. */
  now(): number
  /** The cell, or `undefined`. */
  get(key: string): Promise<Cell | undefined>
  /** Writes a cell that does not exist; answers whether it did. */
  add(key: string, bytes: Buffer, ttlMs: number): Promise<boolean>
  /** Replaces a cell that is still the one with `version`; answers whether it did. */
  swap(key: string, version: unknown, bytes: Buffer, ttlMs: number): Promise<boolean>
  /** Writes whatever is there. */
  set(key: string, bytes: Buffer, ttlMs: number): Promise<void>
  /** Removes what is there; answers what it was, or at least its header. */
  remove(key: string): Promise<Buffer | undefined>
  /** Removes a cell that is still the one with `version`; answers whether it did. */
  drop(key: string, version: unknown): Promise<boolean>

  /** The stamps of guards, in their order; and the store's time, which is begun when it is missing. */
  stamps(guards: readonly string[], withTime: boolean): Promise<Stamps>
  /** Creates the stamps that are missing. */
  addStamps(guards: readonly string[], time: string): Promise<void>
  /** Lets time pass for stamps of `guards`, and answers the new time. */
  tick(guards: readonly string[]): Promise<string>
  /** Raises the stamps that exist to at least `time`. */
  raise(guards: readonly string[], time: string): Promise<void>
  /** Whether one of these guards, whose stamps are missing, may have been stamped after `time`. */
  mayBeStamped(guards: readonly string[], time: string): Promise<boolean>
  /** Keeps stamps for at least this long. */
  keepStamps(guards: readonly string[], ttlMs: number): Promise<void>

  /** Tells everybody who waits that the lease on a key has ended. */
  tell(key: string): void
  /** Resolves when told, or after `timeoutMs`. */
  wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** Lists the keys of cells that begin so, page by page; absent where they cannot be listed. */
  list?(beginsWith: string, signal?: AbortSignal): AsyncIterable<readonly string[]>
  /** See `CacheStore.verify`. */
  verify(): Promise<boolean>
}

/** Stamps as 16 digits, and the store's time if asked for. */
export interface Stamps {
  readonly values: readonly (string | undefined)[]
  readonly time: string
}
