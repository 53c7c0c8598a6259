/** Writes one line: facts first, then the message, as pino does. */
export type LogLine = (facts: Readonly<Record<string, unknown>>, message: string) => void

/** The logger a user lends, in the shape of pino's: `logger.warn({ component: 'cache' }, 'degraded')`. */
export interface Logger {
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}

/** A logger that drops every line. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
