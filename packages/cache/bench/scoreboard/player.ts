/** Computes a value. */
export type Compute = () => unknown

/** What a cache of any library can do, as far as it can; two players on one {@link Stage} stand for two processes. */
export interface Player {
  read(key: string, compute: Compute): Promise<unknown>
  remove(key: string): Promise<unknown>
  clear?(): Promise<unknown>
  /** Removes what a pattern such as `user:*` matches. */
  removeMatching?(pattern: string): Promise<unknown>
  /** Entries that carry a tag. */
  tagged?(tag: string): Family
  /** Entries whose keys begin with a prefix. */
  below?(prefix: string): Family
  /** A cached function of texts, keyed the library's own way. */
  cached?(compute: (...texts: readonly string[]) => unknown): (...texts: readonly string[]) => Promise<unknown>
  close?(): Promise<unknown>
}

/** Entries that are made invalid together. */
export interface Family {
  read(key: string, compute: Compute): Promise<unknown>
  invalidate(): Promise<unknown>
}

/**
 * How a player is set up: `plain` for what must be right while the server is there, `outage` as its documentation recommends for a server
 * that may be away.
 */
export type Setup = 'plain' | 'outage'

/** Where players of one library meet: a server of its own, or this process. */
export interface Stage {
  /** A client of its own. */
  open(setup: Setup): Promise<Player>
  /** A client of a server that has never been there; absent where there is no server. */
  openAway?(): Promise<Player>
  /** Removes what the server keeps about a tag, as eviction would, but for entries with `value`. Absent where it is part of the entries. */
  evict?(tag: string, value: string): Promise<void>
  /** Writes a key of somebody else; answers whether it is still there when asked. Absent where the server is not shared with others. */
  foreign?(): Promise<() => Promise<boolean>>
  /** What can happen to the server. Absent where there is none. */
  readonly faults?: { kill(): Promise<void>; silence(): Promise<void>; freeze(): Promise<void> }
  close(): Promise<void>
}

/** One column of the scoreboard. */
export interface Contender {
  readonly name: string
  stage(): Promise<Stage>
}
