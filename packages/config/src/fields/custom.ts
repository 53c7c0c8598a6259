import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Certain, type Field, type FieldOptions, field, type Parsed } from '../field.js'

/** Options of {@link custom}. */
export interface CustomOptions extends FieldOptions {
  /** What it is, for generated documents. Default `text`. */
  readonly type?: string
}

/**
 * A text read by any Standard Schema (zod, valibot, arktype), which must be synchronous.
 *
 * The schema's own messages are passed on and may quote the value: use {@link secret} for what must not be seen.
 */
export function custom<Value>(
  env: string,
  schema: StandardSchemaV1<unknown, Value>,
  options: CustomOptions & Certain<Value>,
): Field<Value>
export function custom<Value>(
  env: string,
  schema: StandardSchemaV1<unknown, Value>,
  options: CustomOptions,
): Field<Value | undefined>
export function custom<Value>(
  env: string,
  schema: StandardSchemaV1<unknown, Value>,
  { default: preset, type = 'text', ...options }: CustomOptions & { readonly default?: Value },
): Field<Value | undefined> {
  const parse = (text: string, variable: string): Parsed<Value> => {
    const result = schema['~standard'].validate(text)
    if (result instanceof Promise) throw new TypeError(`The schema of ${env} is asynchronous; config is read at once`)
    if (result.issues === undefined) return { ok: true, value: result.value, shown: text }
    const messages = result.issues.map((issue) => issue.message.replaceAll(/\s+/g, ' ')).join('; ')
    const remedy =
      options.example === undefined ? `Correct ${variable}.` : `Set it like ${variable}=${options.example}.`
    return { ok: false, problem: `is not valid: ${messages}`, remedy }
  }
  const fallback = preset === undefined ? undefined : { value: preset, shown: showPreset(preset) }
  return field(env, options, { type, parse, fallback })
}

function showPreset(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
