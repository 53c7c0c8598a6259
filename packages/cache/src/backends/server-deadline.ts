import type { Duration } from '@plinth/config/units'
import { positiveMs, refuseUnknown } from '../option-checks.js'

/** What every backend on a server takes. */
export interface ServerDeadline {
  /** How long the cache waits for the server before it goes on without. Default 500 ms. */
  readonly deadline?: Duration
}

const KNOWN: ReadonlySet<string> = new Set(['deadline'])

/** The deadline in milliseconds. @throws CacheOptionError for anything else; `backend` names it there. */
export function serverDeadlineMs(options: ServerDeadline, backend: string): number {
  refuseUnknown(options, KNOWN, `the ${backend} backend`)
  return positiveMs(options.deadline ?? 500, `deadline of the ${backend} backend`)
}
