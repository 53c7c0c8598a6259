import { countChecks } from './count-checks.js'
import { entryChecks } from './entry-checks.js'
import type { CacheBackendCheck } from './fixture.js'
import { guardChecks } from './guard-checks.js'
import { leaseChecks } from './lease-checks.js'
import { peekChecks } from './peek-checks.js'
import { sweepChecks } from './sweep-checks.js'

/** Every promise of `CacheBackend` and `CacheStore`. A backend is correct when it passes them all. */
export const cacheBackendChecks: readonly CacheBackendCheck[] = [
  ...entryChecks,
  ...guardChecks,
  ...leaseChecks,
  ...countChecks,
  ...peekChecks,
  ...sweepChecks,
]

export type { CacheBackendCheck, CacheBackendFixture } from './fixture.js'
