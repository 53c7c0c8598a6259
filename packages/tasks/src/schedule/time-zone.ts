import { TaskDefinitionError } from '../task-errors.js'

/** Gives, for an instant (milliseconds since the epoch), how far a time zone's wall clock is ahead of UTC, in milliseconds. */
export type ZoneOffset = (instant: number) => number

/**
 * Looks up a time zone by its IANA name.
 *
 * @throws TaskDefinitionError when there is no such zone.
 */
export function zoneOffset(timezone: string): ZoneOffset {
  if (timezone === 'UTC') return () => 0
  const format = openFormat(timezone)
  return (instant) => {
    const whole = Math.floor(instant / 1000) * 1000
    const read: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(whole)) read[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole
  }
}

function openFormat(timezone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (cause) {
    throw new TaskDefinitionError(
      `${JSON.stringify(timezone)} is no time zone; give an IANA name such as Europe/Berlin.`,
      {
        cause,
      },
    )
  }
}
