import { EmailError } from '../email-error.js'
import type { Message } from '../message/message.js'
import type { Delivery, EmailTransport } from '../transport.js'
import { pause } from './deadline.js'

/** How long and how often to try. */
export interface AttemptLimits {
  /** Fires when all attempts together have taken too long, or the caller gave up. */
  readonly signal: AbortSignal
  /** When `signal` fires by itself, in milliseconds on `performance.now()`'s clock. */
  readonly endsAt: number
  /** How many times to repeat after the first attempt. */
  readonly retries: number
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

/**
 * Runs `attempt` until it succeeds, repeating only what certainly did not send anything and may succeed later.
 *
 * Waits as long as the other side asked for, else a random time that doubles (full jitter). When the wait would outlast
 * the limits, the failure is passed on at once with its `retryAfterMs`: a queue can wait longer than a caller.
 */
export async function withRetries<Result>(attempt: () => Promise<Result>, limits: AttemptLimits): Promise<Result> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof EmailError) || !error.retryable || error.ambiguous || failures >= limits.retries)
        throw error
      const jitter = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures)
      const wait = error.retryAfterMs ?? jitter
      if (performance.now() + wait >= limits.endsAt) throw error
      await pause(wait, limits.signal).catch(() => {
        throw error // the reason it was not sent says more than that the wait was cut short
      })
    }
  }
}

/** Sends one message through a transport, with retries. */
export function sendWithRetries(
  transport: EmailTransport,
  message: Message,
  key: string | undefined,
  limits: AttemptLimits,
): Promise<Delivery> {
  return withRetries(() => transport.send(message, { signal: limits.signal, key }), limits)
}
