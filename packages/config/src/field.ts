/** What the text of a variable turned out to be: a value and how to show it, or a clause that says what it must be. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value; readonly shown: string }
  | {
      readonly ok: false
      readonly problem: string
      readonly remedy: string
      /** What was probably meant, so that whatever depends on it is judged at once too. */
      readonly guess?: Value | undefined
    }

/** Values of sibling fields under which something holds, such as `{ backend: ['redis', 'tiered'] }`. All keys must match. */
export type Condition = Readonly<Record<string, readonly (string | boolean)[]>>

/** A variable that several components fall back to, such as `REDIS_URL`. */
export interface SharedVariable {
  readonly env: string
  readonly meaning: string
  readonly example: string
}

/** What every kind of variable can say about itself. */
export interface FieldOptions {
  /** What the variable decides, as one sentence for the person who sets it. */
  readonly meaning: string
  /** Whether it must be set wherever its group (or an unswitched section) is in effect. Default false. */
  readonly required?: boolean
  /** When it must be set, by the values of its siblings; its default does not count then. */
  readonly requiredWhen?: Condition
  /** What it may look like, for generated documents. */
  readonly example?: string
  /** Read when the variable itself is unset. */
  readonly shared?: SharedVariable
  /** Variables that take the place of the shared one as soon as one of them is set. */
  readonly sharedUnless?: readonly string[]
  /** Other names by which people call it; one of them set is reported with this name as the remedy. */
  readonly misnomers?: readonly string[]
}

/** Options that make sure there is a value. */
export type Certain<Value> = { readonly default: Value } | { readonly required: true }

/** One environment variable: its name, its meaning, and how its text becomes a value. Made by the field builders. */
export interface Field<out Value> extends FieldOptions {
  readonly env: string
  /** What kind of text it is, for generated documents: `duration`, `one of memory, redis`. */
  readonly type: string
  readonly required: boolean
  /** Whether errors must not quote its text. */
  readonly secret: boolean
  /** What holds when it is unset, and how it would be written. */
  readonly fallback: { readonly value: Value; readonly shown: string } | undefined
  /** Reads the text, which may stand in another variable than the field's own, such as a shared one. */
  readonly parse: (text: string, variable: string) => Parsed<Value>
}

/** The values that a record of fields gives. */
export type FieldValues<Fields extends Readonly<Record<string, Field<unknown>>>> = {
  readonly [Key in keyof Fields]: Fields[Key] extends Field<infer Value> ? Value : never
}

/** What is particular to a kind of field. */
export interface FieldKind<Value> {
  readonly type: string
  readonly parse: (text: string, variable: string) => Parsed<Value>
  /** Whether errors must not quote the text; what `parse` and `fallback` show must then be safe. Default false. */
  readonly secret?: boolean
  readonly fallback?: { readonly value: Value; readonly shown: string } | undefined
}

const NAME = /^[A-Z][A-Z0-9_]*$/

/** Makes a field of a kind that the other builders do not know. */
export function field<Value>(env: string, options: FieldOptions, kind: FieldKind<Value>): Field<Value> {
  if (!NAME.test(env)) throw new TypeError(`"${env}" is not the name of an environment variable`)
  const { required = false, ...rest } = options
  const { type, parse, fallback, secret = false } = kind
  return { ...rest, env, type, required, secret, fallback, parse }
}
