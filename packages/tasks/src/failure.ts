import type { Failure } from './message.js'

const LONGEST_MESSAGE = 2_000
const LONGEST_STACK = 8_000

/** Gives whatever a handler threw in a bounded form that survives JSON: also `undefined`, a text, or a hostile object. */
export function describeFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof Error) return fromError(thrown)
    return { name: 'NonError', message: shorten(`A handler threw ${showThrown(thrown)}`, LONGEST_MESSAGE) }
  } catch {
    return { name: 'NonError', message: 'A handler threw something that cannot be shown' }
  }
}

function fromError(error: Error): Failure {
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    name: shorten(String(error.name), 200),
    message: shorten(String(error.message), LONGEST_MESSAGE),
    ...(typeof error.stack === 'string' ? { stack: shorten(error.stack, LONGEST_STACK) } : {}),
    ...(typeof code === 'string' ? { code: shorten(code, 200) } : {}),
  }
}

function showThrown(thrown: unknown): string {
  if (typeof thrown === 'string') return `the text ${JSON.stringify(thrown)}`
  if (typeof thrown === 'object' && thrown !== null) return `an object: ${JSON.stringify(thrown)}`
  return String(thrown)
}

function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
