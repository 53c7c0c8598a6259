import { z } from 'zod'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { Secret } from '../secret.js'
import { textKind } from './text-kind.js'

/** Options of {@link secret}. */
export interface SecretOptions extends FieldOptions {
  /** The fewest characters that are accepted. Default 1. */
  readonly minLength?: number
}

/** A password, token or key: handed out as a {@link Secret}, exactly as it was set, and shown nowhere. */
export function secret(env: string, options: SecretOptions & Certain<never>): Field<Secret>
export function secret(env: string, options: SecretOptions): Field<Secret | undefined>
export function secret(env: string, { minLength = 1, ...options }: SecretOptions): Field<Secret | undefined> {
  return field(
    env,
    options,
    textKind<Secret>({
      type: 'secret',
      schema: z
        .string()
        .min(minLength)
        .max(65_536)
        .transform((value) => new Secret(value)),
      problem: `must have ${minLength} to 65536 characters`,
      remedy: (variable) => `Set ${variable}, or ${variable}_FILE to the path of a mounted secret.`,
      show: String,
      preset: undefined,
      verbatim: true,
      secret: true,
    }),
  )
}
