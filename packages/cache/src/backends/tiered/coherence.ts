/** Who hears of every change that anybody makes to what copies are made of. */
export interface Coherence {
  /** Whether every change is heard of, as far as is known. */
  readonly live: boolean
  /** Hears no more; safe to call twice. */
  close(): void
}

/** What a {@link Coherence} tells. */
export interface CoherenceListener {
  /** These keys changed, expired or were evicted, whoever did it. */
  changed(keys: readonly string[]): void
  /** Anything may have changed: a connection was lost, or everything was flushed. */
  lost(): void
}

/**
 * How often a connection that only listens is asked whether it still does, and how long it may take to answer, in milliseconds. Between
 * a question that was answered and one that was not, at most twice as long passes: for that long copies may be out of date.
 */
export const BEAT_MS = 1_000
