/** A calendar unit that `fixed` windows can follow. Weeks begin on Monday. */
export type CalendarUnit = 'day' | 'week' | 'month'

/** A stretch of time in microseconds since the epoch: from `start` until just before `end`. */
export interface TimeWindow {
  readonly start: number
  readonly end: number
}

const DAY = 86_400_000

/** Days, weeks or months as a time zone counts them: a day may last 23 or 25 hours. */
export class Calendar {
  readonly unit: CalendarUnit
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string
  readonly #format: Intl.DateTimeFormat
  #latest: TimeWindow = { start: 0, end: 0 }

  /** @throws RangeError when the time zone is unknown. */
  constructor(unit: CalendarUnit, timeZone: string) {
    this.unit = unit
    this.timeZone = timeZone
    this.#format = new Intl.DateTimeFormat('en-CA-u-ca-iso8601-nu-latn', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
  }

  /** The window in which `now` (microseconds) falls. */
  windowAt(now: number): TimeWindow {
    if (now >= this.#latest.start && now < this.#latest.end) return this.#latest
    const { first, next } = daysAround(this.unit, this.#dateAt(Math.floor(now / 1000)))
    this.#latest = { start: this.#beginningOf(first) * 1000, end: this.#beginningOf(next) * 1000 }
    return this.#latest
  }

  /** The local date at an instant, as the UTC midnight of the same date: dates compare and add as numbers. */
  #dateAt(instant: number): number {
    const parts = this.#format.formatToParts(instant)
    const value = (type: 'year' | 'month' | 'day'): number => Number(parts.find((part) => part.type === type)?.value)
    return Date.UTC(value('year'), value('month') - 1, value('day'))
  }

  /** The first instant of a local date, by bisection: midnight may not exist, and a date may be skipped. */
  #beginningOf(date: number): number {
    let before = date - 2 * DAY
    let from = date + 2 * DAY
    while (from - before > 1) {
      const middle = Math.floor((before + from) / 2)
      if (this.#dateAt(middle) >= date) from = middle
      else before = middle
    }
    return from
  }
}

function daysAround(unit: CalendarUnit, date: number): { readonly first: number; readonly next: number } {
  if (unit === 'day') return { first: date, next: date + DAY }
  const day = new Date(date)
  if (unit === 'week') {
    const first = date - ((day.getUTCDay() + 6) % 7) * DAY
    return { first, next: first + 7 * DAY }
  }
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()]
  return { first: Date.UTC(year, month, 1), next: Date.UTC(year, month + 1, 1) }
}
