import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidInputError } from './task-errors.js'

/**
 * Makes a function that checks a value against any Standard Schema and answers what the schema makes of it.
 *
 * It answers at once when the schema does, and throws (or rejects with) `InvalidInputError` naming the paths that do not
 * fit, never the values. Without a schema every value passes.
 */
export function schemaParser(
  schema: StandardSchemaV1 | undefined,
  what: string,
): (value: unknown) => unknown | Promise<unknown> {
  if (schema === undefined) return (value) => value
  const standard = schema['~standard']
  return (value) => {
    const answer = standard.validate(value)
    return answer instanceof Promise ? answer.then((late) => unwrap(late, what)) : unwrap(answer, what)
  }
}

function unwrap(answer: StandardSchemaV1.Result<unknown>, what: string): unknown {
  if (answer.issues === undefined) return answer.value
  const shown = answer.issues.slice(0, 5).map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  const more = answer.issues.length > shown.length ? ` and ${answer.issues.length - shown.length} more` : ''
  throw new InvalidInputError(`${what} does not fit its schema (${shown.join('; ')}${more}).`)
}
