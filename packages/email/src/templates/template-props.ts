import type { StandardSchemaV1 } from '@standard-schema/spec'
import { EmailError } from '../email-error.js'

/**
 * Gives the props as their schema makes them.
 *
 * The error names the props that are wrong but quotes neither them nor the schema's own text, which in some libraries
 * repeats the value: props hold reset links.
 *
 * @throws EmailError of kind `template`.
 */
export async function checkProps<Schema extends StandardSchemaV1>(
  template: string,
  schema: Schema,
  props: unknown,
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  const result = await schema['~standard'].validate(props)
  if (result.issues === undefined) return result.value as StandardSchemaV1.InferOutput<Schema>
  const paths = new Set(result.issues.map((issue) => describePath(issue.path ?? [])))
  throw new EmailError('template', `Template "${template}" was given wrong props: ${[...paths].join(', ')}.`)
}

function describePath(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  if (path.length === 0) return '(the whole)'
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
}
