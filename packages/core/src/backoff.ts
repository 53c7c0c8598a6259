/** Bounds of {@link fullJitter}, in milliseconds. */
export interface BackoffOptions {
  /** The ceiling of the first wait. */
  readonly baseMs: number
  /** The ceiling of every wait. */
  readonly capMs: number
  /** Answers from 0 up to, not including, 1. Default `Math.random`. */
  readonly random?: () => number
}

/**
 * Answers how long to wait before each attempt: anywhere between 0 and a ceiling that doubles, so that many processes
 * that lost the same backend do not come back together.
 *
 * Attempts count from 1. Source: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), the variant "full jitter".
 */
export function fullJitter(options: BackoffOptions): (attempt: number) => number {
  const { baseMs, capMs, random = Math.random } = options
  return (attempt) => {
    const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, attempt - 1)))
    return Math.round(random() * ceiling)
  }
}
