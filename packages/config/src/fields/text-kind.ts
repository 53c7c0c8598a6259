import type { z } from 'zod'
import type { FieldKind } from '../field.js'

/** A kind of field whose text is read by a zod schema, as the builders describe it. */
export interface TextKind<Value> {
  readonly type: string
  readonly schema: z.ZodType<Value, string>
  /** What a wrong text is told, following the name of the variable. */
  readonly problem: string
  readonly remedy: (variable: string, text: string) => string
  /** What a wrong text probably means. Default: nothing. */
  readonly guess?: (text: string) => Value | undefined
  /** Writes a value as it would stand in the environment. */
  readonly show: (value: Value) => string
  readonly preset: Value | undefined
  /** Whether white space around the text is part of it. Default false. */
  readonly verbatim?: boolean
  readonly secret?: boolean
}

/** Gives the kind that reads by `schema` and speaks in the builder's own words, never in the schema's. */
export function textKind<Value>({
  type,
  schema,
  problem,
  remedy,
  guess,
  show,
  preset,
  verbatim,
  secret,
}: TextKind<Value>): FieldKind<Value> {
  return {
    type,
    secret: secret === true,
    fallback: preset === undefined ? undefined : { value: preset, shown: show(preset) },
    parse(text, variable) {
      const result = schema.safeParse(verbatim === true ? text : text.trim())
      if (result.success) return { ok: true, value: result.data, shown: show(result.data) }
      return { ok: false, problem, remedy: remedy(variable, text), guess: guess?.(text) }
    },
  }
}
