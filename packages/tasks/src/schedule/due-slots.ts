import type { Schedule } from './schedule.js'

/** A slot that is later than this was missed. */
const LATE_MS = 60_000

/** No more missed slots than this are made up for at once. */
const MOST_SLOTS = 100

/** Looking for missed slots ends here: an interval of a second leaves 86,400 a day. */
const MOST_LOOKS = 200_000

/** What a leader does now about one schedule. */
export interface DueSlots {
  /** The slots to enqueue, oldest first. */
  readonly slots: readonly number[]
  /** Up to where the schedule has been dealt with. */
  readonly watermark: number
}

/**
 * Decides which slots after `watermark` and up to `now` are enqueued.
 *
 * A slot on time always is; slots that passed while nobody led go by the schedule's `missed` policy.
 */
export function dueSlots(schedule: Schedule, watermark: number, now: number): DueSlots {
  const onTime: number[] = []
  let missed: number[] = []
  let reached = watermark
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const slot = schedule.next(reached)
    if (slot === undefined || slot > now) break
    reached = slot
    if (now - slot <= LATE_MS) onTime.push(slot)
    else missed.push(slot)
    if (missed.length > 2 * MOST_SLOTS) missed = missed.slice(-MOST_SLOTS)
  }
  const madeUp = schedule.missed === 'skip' ? [] : schedule.missed === 'latest' ? missed.slice(-1) : missed
  // An on-time slot is newer than any missed one: "latest" is then that one.
  const caughtUp = schedule.missed === 'latest' && onTime.length > 0 ? [] : madeUp.slice(-MOST_SLOTS)
  return { slots: [...caughtUp, ...onTime], watermark: reached }
}
