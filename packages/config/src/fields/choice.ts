import { z } from 'zod'
import { nearest } from '../edit-distance.js'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { textKind } from './text-kind.js'

/** One word of a few, typed as their union. */
export function choice<const Choice extends string>(
  env: string,
  choices: readonly Choice[],
  options: FieldOptions & Certain<NoInfer<Choice>>,
): Field<Choice>
export function choice<const Choice extends string>(
  env: string,
  choices: readonly Choice[],
  options: FieldOptions,
): Field<Choice | undefined>
export function choice<const Choice extends string>(
  env: string,
  choices: readonly Choice[],
  { default: preset, ...options }: FieldOptions & { readonly default?: Choice },
): Field<Choice | undefined> {
  const all = choices.join(', ')
  const guess = (word: string): Choice | undefined => nearest(word.trim().toLowerCase(), choices, 2)
  return field(
    env,
    options,
    textKind<Choice>({
      type: `one of ${all}`,
      schema: z.literal([...choices]) as unknown as z.ZodType<Choice, string>,
      problem: `must be one of ${all}`,
      remedy(variable, text) {
        const meant = guess(text)
        return meant === undefined ? `Set ${variable} to one of them.` : `Did you mean ${variable}=${meant}?`
      },
      guess,
      show: String,
      preset,
    }),
  )
}
