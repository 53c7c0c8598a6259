import { z } from 'zod'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { textKind } from './text-kind.js'

/** A switch: `true`, `1`, `yes`, `on` or `enabled`, and their opposites, in any case. */
export function boolean(env: string, options: FieldOptions & Certain<boolean>): Field<boolean>
export function boolean(env: string, options: FieldOptions): Field<boolean | undefined>
export function boolean(
  env: string,
  { default: preset, ...options }: FieldOptions & { readonly default?: boolean },
): Field<boolean | undefined> {
  return field(
    env,
    options,
    textKind({
      type: 'true or false',
      schema: z.stringbool(),
      problem: 'must be true or false',
      remedy: (variable) => `Set ${variable} to true or false.`,
      show: String,
      preset,
    }),
  )
}
