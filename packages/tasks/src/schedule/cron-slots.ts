import type { Cron } from './cron.js'
import type { ZoneOffset } from './time-zone.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Wide enough to see a change of the clock on either side of a slot; zones have skipped a whole day. */
const MARGIN_MS = 26 * HOUR_MS

/** After this many years without a match there is none: February 29 on a given weekday comes within 40. */
const HORIZON_YEARS = 41

/**
 * Gives the next slot of a cron expression strictly after `after` (milliseconds since the epoch); `undefined` when there is
 * none, as on February 30.
 *
 * When the clock changes, an expression with given hours runs each of its wall-clock times exactly once: a time that is
 * skipped runs as much later as the clock was moved (RFC 5545, 3.3.5), a time that comes twice runs the first time. One
 * whose hour field begins with `*` follows elapsed time instead.
 */
export function nextCronSlot(cron: Cron, offset: ZoneOffset, after: number): number | undefined {
  let base = after
  for (;;) {
    const wall = base + offset(base)
    const match = nextWall(cron, wall)
    if (match === undefined) return undefined
    if (match - wall > 3 * DAY_MS) {
      base += match - wall - 2 * DAY_MS // nothing matches up to there, whatever the clock does
      continue
    }
    const before = offset(base - MARGIN_MS)
    const later = offset(base + (match - wall) + MARGIN_MS)
    if (before === later) return match - before
    return nextAroundChange(cron, offset, { after, base, match, before, later })
  }
}

/** Looks at every candidate near a change of the clock, where wall times may be skipped or come twice. */
function nextAroundChange(
  cron: Cron,
  offset: ZoneOffset,
  near: { after: number; base: number; match: number; before: number; later: number },
): number | undefined {
  const { after, base, before, later } = near
  const change = findChange(offset, base - MARGIN_MS, near.match - before + 2 * MARGIN_MS, before)
  const shift = Math.abs(later - before)
  let best: number | undefined
  let wall: number | undefined = base + Math.min(before, later) - shift - 1
  const last = near.match + 2 * shift
  for (;;) {
    wall = nextWall(cron, wall)
    if (wall === undefined) return best
    for (const instant of instantsOf(wall, change, before, later, cron.everyHour)) {
      if (instant > after && (best === undefined || instant < best)) best = instant
    }
    if (best !== undefined && wall > last) return best
  }
}

function instantsOf(
  wall: number,
  change: number,
  before: number,
  later: number,
  everyHour: boolean,
): readonly number[] {
  const early = wall - before
  const late = wall - later
  const found: number[] = []
  if (early < change) found.push(early)
  if (late >= change && (everyHour || found.length === 0)) found.push(late)
  // A skipped time: read with the offset before the change, which puts it after the change.
  if (found.length === 0 && !everyHour) found.push(early)
  return found
}

/** Finds the first instant in (from, to] whose offset is not `before`, to the second. */
function findChange(offset: ZoneOffset, from: number, to: number, before: number): number {
  let low = Math.floor(from / 1000)
  let high = Math.ceil(to / 1000)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offset(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}

/** The next matching wall-clock time strictly after `wall`; both as if they were UTC. */
function nextWall(cron: Cron, wall: number): number | undefined {
  const start = new Date(Math.floor(wall / 1000) * 1000 + 1000)
  let year = start.getUTCFullYear()
  let month = start.getUTCMonth()
  let day = start.getUTCDate()
  let fromSecond = start.getUTCHours() * 3600 + start.getUTCMinutes() * 60 + start.getUTCSeconds()
  for (const lastYear = year + HORIZON_YEARS; year <= lastYear; ) {
    if (cron.months.has(month + 1) && dayMatches(cron, year, month, day)) {
      const second = nextSecondOfDay(cron, fromSecond)
      if (second !== undefined) return Date.UTC(year, month, day) + second * 1000
    }
    const next = new Date(cron.months.has(month + 1) ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1))
    year = next.getUTCFullYear()
    month = next.getUTCMonth()
    day = next.getUTCDate()
    fromSecond = 0
  }
  return undefined
}

function dayMatches(cron: Cron, year: number, month: number, day: number): boolean {
  const byDay = cron.days.has(day)
  const byWeekday = cron.weekdays.has(new Date(Date.UTC(year, month, day)).getUTCDay())
  return cron.eitherDay ? byDay || byWeekday : byDay && byWeekday
}

function nextSecondOfDay(cron: Cron, from: number): number | undefined {
  for (let hour = Math.floor(from / 3600); hour < 24; hour += 1) {
    if (!cron.hours.has(hour)) continue
    const firstMinute = Math.max(0, Math.floor((from - hour * 3600) / 60))
    for (let minute = firstMinute; minute < 60; minute += 1) {
      if (!cron.minutes.has(minute)) continue
      const start = hour * 3600 + minute * 60
      for (let second = Math.max(0, from - start); second < 60; second += 1) {
        if (cron.seconds.has(second)) return start + second
      }
    }
  }
  return undefined
}
