import { EmailError } from '../email-error.js'

// C0 and C1 controls, DEL, and the two separators that some parsers take for line ends.
const FORBIDDEN = /[\p{Cc}\u2028\u2029]/u
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Gives `value` when it is text that fits on one header line: no line ends, no control characters, well-formed Unicode.
 *
 * @param field names it in the error, such as `subject`; the error never quotes the value.
 * @throws EmailError of kind `invalid`.
 */
export function oneLine(value: unknown, field: string, limit: number): string {
  if (typeof value !== 'string') throw invalid(field, 'must be text')
  if (value.length > limit) throw invalid(field, `must not be longer than ${limit} characters`)
  if (FORBIDDEN.test(value)) throw invalid(field, 'must not contain line breaks or control characters')
  if (LONE_SURROGATE.test(value)) throw invalid(field, 'must be well-formed Unicode')
  return value
}

/** The error for a part of a message that cannot be sent as it is. */
export function invalid(field: string, problem: string): EmailError {
  return new EmailError('invalid', `The email was refused: ${field} ${problem}.`)
}
