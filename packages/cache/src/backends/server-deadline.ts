import { type Duration, parseDuration } from '@plinth/config/units'

/** What every backend on a server takes. */
export interface ServerDeadline {
  /** How long the cache waits for the server before it goes on without. Default 500 ms. */
  readonly deadline?: Duration
}

/** The deadline in milliseconds. @throws ConfigError for what is no duration; `backend` names it there. */
export function serverDeadlineMs({ deadline = 500 }: ServerDeadline, backend: string): number {
  return parseDuration(deadline, `deadline of the ${backend} backend`)
}
