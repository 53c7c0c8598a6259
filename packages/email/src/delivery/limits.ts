import { parseDuration } from '@plinth/config/units'
import { EmailError } from '../email-error.js'
import type { AttemptLimits } from './attempts.js'

/** Gives the limits of one send: its own timeout and signal over the mailer's defaults. */
export function attemptLimits(
  options: { readonly timeout?: number | string | undefined; readonly signal?: AbortSignal | undefined },
  defaults: { readonly timeoutMs: number; readonly retries: number },
): AttemptLimits {
  const { timeout, signal: caller } = options
  const timeoutMs = timeout === undefined ? defaults.timeoutMs : parseDuration(timeout, 'timeout of an email')
  if (caller?.aborted === true) {
    throw new EmailError('aborted', 'The send was given up before it began.', { cause: caller.reason })
  }
  const deadline = AbortSignal.timeout(timeoutMs)
  return {
    signal: caller === undefined ? deadline : AbortSignal.any([deadline, caller]),
    endsAt: performance.now() + timeoutMs,
    retries: defaults.retries,
  }
}
