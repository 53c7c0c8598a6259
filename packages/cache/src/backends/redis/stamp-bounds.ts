/** How long the stamp of a tag or prefix is kept at least; longer while entries that live longer depend on it. Milliseconds. */
export const GUARD_MS = 86_400_000

/** How many of the latest stamps are remembered for computations under way, in one key of at most about a megabyte. */
export const REMEMBERED = 10_000
