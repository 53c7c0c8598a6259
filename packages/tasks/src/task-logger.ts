import type { Logger, LogLine } from '@plinth/core'

/** Gives a logger whose every line carries `facts`; a line's own facts win. */
export function taskLogger(logger: Logger, facts: Readonly<Record<string, unknown>>): Logger {
  const withFacts =
    (level: keyof Logger): LogLine =>
    (own, message) =>
      logger[level]({ ...facts, ...own }, message)
  return { debug: withFacts('debug'), info: withFacts('info'), warn: withFacts('warn'), error: withFacts('error') }
}
