const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const IMF_FIXDATE = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/i
const RFC_850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/i
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i

/**
 * Reads an HTTP date in any of the three forms that RFC 9110 5.6.7 asks recipients to accept, as milliseconds since the epoch.
 *
 * `undefined` for everything else: a date that is nearly right is wrong, because `Date.parse` would read `0` as the year 2000.
 */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const fixed = IMF_FIXDATE.exec(text)
  if (fixed !== null) return utc(fixed[3], fixed[2], fixed[1], fixed[4], fixed[5], fixed[6])
  const old = RFC_850.exec(text)
  if (old !== null) return utc(String(fullYear(Number(old[3]))), old[2], old[1], old[4], old[5], old[6])
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return utc(asctime[6], asctime[1], asctime[2]?.trim(), asctime[3], asctime[4], asctime[5])
  return undefined
}

/** Writes milliseconds since the epoch as the one form that RFC 9110 5.6.7 lets senders use. */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString()
}

/** A two-digit year that looks more than 50 years ahead is the last one with those digits (RFC 9110 5.6.7). */
function fullYear(twoDigits: number): number {
  const now = new Date().getUTCFullYear()
  const inThisCentury = now - (now % 100) + twoDigits
  return inThisCentury > now + 50 ? inThisCentury - 100 : inThisCentury
}

function utc(year?: string, month?: string, day?: string, hour?: string, minute?: string, second?: string) {
  const monthIndex = MONTHS.indexOf((month ?? '').toLowerCase())
  const parts = [year, day, hour, minute, second].map(Number)
  const [y = Number.NaN, d = Number.NaN, h = Number.NaN, min = Number.NaN, s = Number.NaN] = parts
  if (monthIndex < 0 || d < 1 || d > 31 || h > 23 || min > 59 || s > 60) return undefined
  const milliseconds = Date.UTC(y, monthIndex, d, h, min, s)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
