import type { Check } from '@plinth/core/checks'
import { blockChecks } from './block-checks.js'
import { clockChecks } from './clock-checks.js'
import { concurrencyChecks } from './concurrency-checks.js'
import { correctionChecks } from './correction-checks.js'
import type { RateLimitBackendFixture } from './fixture.js'
import { quotaChecks } from './quota-checks.js'
import { togetherChecks } from './together-checks.js'

export type { RateLimitBackendFixture } from './fixture.js'

/** What every rate limit backend promises, as data: run each check on a fixture of its own. */
export const rateLimitBackendChecks: readonly Check<RateLimitBackendFixture>[] = [
  ...quotaChecks,
  ...togetherChecks,
  ...correctionChecks,
  ...clockChecks,
  ...concurrencyChecks,
  ...blockChecks,
]
