/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'RATE_LIMIT_UNKNOWN_POLICY',
    error: 'RateLimitUsageError',
    meaning:
      'A check names a policy that does not exist, or no policy at all. Nothing was charged, nothing is allowed.',
    remedy: 'Use one of the names in the message, or add the policy to the rules.',
  },
  {
    code: 'RATE_LIMIT_UNKNOWN_TIER',
    error: 'RateLimitUsageError',
    meaning: 'A check names a tier that does not exist.',
    remedy:
      'Use one of the names in the message, or add the tier. A tier out of a database belongs into `tierOf`, which has a default.',
  },
  {
    code: 'RATE_LIMIT_INVALID_SUBJECT',
    error: 'RateLimitUsageError',
    meaning: 'A check names nobody: the subject is empty or no text.',
    remedy: 'Pass whose budget it is, such as `user:42`.',
  },
  {
    code: 'RATE_LIMIT_INVALID_COST',
    error: 'RateLimitUsageError',
    meaning:
      'A cost is not a whole number of at least 1 (for `settle` 0), names a unit that the policy does not count, or one policy is asked twice for a subject.',
    remedy: 'Pass what the message asks for; add up the costs of one policy and subject.',
  },
  {
    code: 'RATE_LIMIT_COST_ABOVE_LIMIT',
    error: 'RateLimitUsageError',
    meaning:
      'A cost is more than the limit ever admits at once, so no wait would help. Over HTTP it is answered with 429.',
    remedy: 'Split the work, or raise the limit.',
  },
  {
    code: 'RATE_LIMIT_INVALID_DURATION',
    error: 'RateLimitUsageError',
    meaning: 'A block is to last less than 1 ms or more than 366 days.',
    remedy: 'Choose a duration between the two.',
  },
]
