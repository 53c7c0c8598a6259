import { z } from 'zod'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { textKind } from './text-kind.js'

/** Options of {@link list}. */
export interface ListOptions extends FieldOptions {
  /** What each item must match. Default: anything. */
  readonly pattern?: RegExp
  /** What the pattern asks for, following the name of the variable: `must be email addresses, separated by commas`. */
  readonly problem?: string
}

/** Texts separated by commas, without white space around them; empty ones are dropped. */
export function list(env: string, options: ListOptions & Certain<readonly string[]>): Field<readonly string[]>
export function list(env: string, options: ListOptions): Field<readonly string[] | undefined>
export function list(
  env: string,
  { default: preset, pattern, problem, ...options }: ListOptions & { readonly default?: readonly string[] },
): Field<readonly string[] | undefined> {
  const item = pattern === undefined ? z.string() : z.string().regex(pattern)
  return field(
    env,
    options,
    textKind<readonly string[]>({
      type: 'list, separated by commas',
      schema: z
        .string()
        .max(65_536)
        .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
        .pipe(z.array(item)),
      problem: problem ?? 'must be a list, separated by commas',
      remedy: (variable) =>
        options.example === undefined ? `Correct ${variable}.` : `Set it like ${variable}=${options.example}.`,
      show: (items) => items.join(','),
      preset,
    }),
  )
}
