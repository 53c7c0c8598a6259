import { z } from 'zod'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { textKind } from './text-kind.js'

/** Options of {@link text}. */
export interface TextOptions extends FieldOptions {
  /** What the whole text must match. Default: anything of up to 4096 characters. */
  readonly pattern?: RegExp
  /** What the pattern asks for, following the name of the variable: `must be an email address`. */
  readonly problem?: string
}

/** Plain text, without white space around it. */
export function text(env: string, options: TextOptions & Certain<string>): Field<string>
export function text(env: string, options: TextOptions): Field<string | undefined>
export function text(
  env: string,
  { default: preset, pattern, problem, ...options }: TextOptions & { readonly default?: string },
): Field<string | undefined> {
  const any = z.string().max(4096)
  return field(
    env,
    options,
    textKind<string>({
      type: 'text',
      schema: pattern === undefined ? any : any.regex(pattern),
      problem: problem ?? 'must be text of at most 4096 characters',
      remedy: (variable) =>
        options.example === undefined ? `Correct ${variable}.` : `Set it like ${variable}=${options.example}.`,
      show: String,
      preset,
    }),
  )
}
