import type { Condition, Field, FieldValues } from './field.js'

/** Fields by the names that their values get. */
export type Fields = Readonly<Record<string, Field<unknown>>>

/** What a group's `check` and `resolve` may ask and report. */
export interface GroupReading<Values> {
  /** The value that was set for the field itself and is valid: not a default, not from a shared variable. */
  given<Key extends keyof Values>(key: Key): Values[Key] | undefined

  /** The value that a shared variable gave for the field. */
  shared<Key extends keyof Values>(key: Key): Values[Key] | undefined

  /** The name of the variable that gave the field its value, or that would. */
  variable(key: keyof Values): string

  /** Reports that these fields contradict each other or cannot work. */
  fault(keys: readonly (keyof Values)[], problem: string, remedy: string): void

  /** Reports what is legal and probably not meant. */
  warn(keys: readonly (keyof Values)[], problem: string, remedy: string): void

  /** Notes for explanations that fields are not used, because another one gives their value. */
  supersede(keys: readonly (keyof Values)[], by: keyof Values): void
}

/** Fields that belong to one choice, such as a backend: read only when it is chosen, else absent. */
export interface Group<out Value> {
  readonly when: Condition
  readonly fields: Fields
  readonly check: (reading: GroupReading<Readonly<Record<string, unknown>>>) => void
  readonly resolve: (
    values: Readonly<Record<string, unknown>>,
    reading: GroupReading<Readonly<Record<string, unknown>>>,
  ) => Value
}

/** Options of {@link group}. */
export interface GroupOptions<Members extends Fields> {
  /** The values of the section's own fields under which the group is in effect. */
  readonly when: Condition
  readonly fields: Members
  /** Reports contradictions among the fields. Called always, so it asks for what was given and valid. */
  check?(reading: GroupReading<FieldValues<Members>>): void
}

/** How the values of a group become one. */
export interface Resolving<Members extends Fields, Value> {
  /** Joins the values, once all of them are valid and nothing contradicts. Default: they stay as they are. */
  resolve(values: FieldValues<Members>, reading: GroupReading<FieldValues<Members>>): Value
}

/** Describes fields that are read, and must be valid, only under a condition. */
export function group<Members extends Fields, Value>(
  options: GroupOptions<Members> & Resolving<Members, Value>,
): Group<Value>
export function group<Members extends Fields>(options: GroupOptions<Members>): Group<FieldValues<Members>>
export function group(options: GroupOptions<Fields> & Partial<Resolving<Fields, unknown>>): Group<unknown> {
  const { when, fields, check = () => {}, resolve = (values) => values } = options
  return { when, fields, check, resolve }
}
