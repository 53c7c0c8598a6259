import type { Duration } from '@plinth/config/units'

/** When a schedule enqueues its task: exactly one of `cron`, `every` and `at`. */
export interface ScheduleOptions {
  /** Five fields (minute hour day-of-month month day-of-week), six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly cron?: string
  /** An IANA time zone for `cron`, such as `Europe/Berlin`. Default `UTC`. */
  readonly timezone?: string
  /** A fixed interval, counted from the Unix epoch, so that all processes agree. At least 1 s. */
  readonly every?: Duration
  /** Once, at this moment: a date or milliseconds since the Unix epoch. */
  readonly at?: Date | number
  /**
   * What to do about slots that passed while nobody led: `skip` them (default), enqueue the `latest` one, or `all` of them
   * (at most 100, the latest). A slot counts as missed when it is more than a minute late.
   */
  readonly missed?: 'skip' | 'latest' | 'all'
  /** What to do when the task of an earlier slot has not ended: `queue` another (default), `skip` the slot, or `cancel-previous`. */
  readonly overlap?: 'queue' | 'skip' | 'cancel-previous'
  /** Spreads the starts: each slot's task is delayed by a time up to this, the same for the same slot. */
  readonly jitter?: Duration
}

/** Where a schedule stands. */
export interface ScheduleReport {
  readonly name: string
  readonly task: string
  /** The cron expression, interval or moment, as text. */
  readonly when: string
  readonly paused: boolean
  /** The last slot that was dealt with, and the next one, in milliseconds since the Unix epoch. */
  readonly lastSlot: number | undefined
  readonly nextSlot: number | undefined
}
