import type { Address } from './cache-backend.js'
import type { Loader } from './load-options.js'
import type { Policy } from './policy.js'
import type { ValueCheck } from './value-check.js'

/** One value to read, or to compute when it is missing. */
export interface LoadRequest {
  readonly address: Address
  /** Names the value in events and errors. */
  readonly template: string | undefined
  readonly load: Loader<unknown>
  /** Asked for only when something must be computed. */
  policy(): Policy
  /** Canonical tags that the value tells. */
  readonly tagsOf: ((value: unknown) => readonly string[]) | undefined
  /** Checks what comes out of the store. */
  readonly check: ValueCheck | undefined
  readonly storeIf: ((value: unknown) => boolean) | undefined
  readonly signal: AbortSignal | undefined
  /** Compute anew in any case. */
  readonly refresh: boolean
}
