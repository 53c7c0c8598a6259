import type { Logger, LogLine } from '@plinth/core'

/** A logger for the eyes: one line each, facts behind the message, warnings and errors on standard error. Debug lines are dropped. */
export function consoleLogger(): Logger {
  return {
    debug: () => {},
    info: line((text) => console.log(text)),
    warn: line((text) => console.warn(`warning: ${text}`)),
    error: line((text) => console.error(`error: ${text}`)),
  }
}

function line(write: (text: string) => void): LogLine {
  return (facts, message) => {
    const shown = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${show(value)}`],
    )
    write([message, ...shown].join(' '))
  }
}

function show(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message)
  return typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : (JSON.stringify(value) ?? String(value))
}
