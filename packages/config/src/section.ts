import type { Condition, Field } from './field.js'
import { boolean } from './fields/boolean.js'
import type { Group } from './group.js'
import type { ProductionRule } from './production-rule.js'

/** What a section consists of: single variables, and groups of them that belong to one choice. */
export type Members = Readonly<Record<string, Field<unknown> | Group<unknown>>>

/** The value of a section: its switch, its fields, and its groups, each absent unless its choice was made. */
export type SectionValues<Switch, Parts extends Members> = Simplify<
  (Switch extends string ? { readonly enabled: boolean } : unknown) & {
    readonly [Key in keyof Parts]: Parts[Key] extends Field<infer Value>
      ? Value
      : Parts[Key] extends Group<infer Value>
        ? Value | undefined
        : never
  }
>

type Simplify<Type> = { [Key in keyof Type]: Type[Key] } & {}

declare const VALUES: unique symbol

/** The variables of one part of an app: data to read them by, and to write documents from. Made by {@link section}. */
export interface Section<out Values> {
  readonly title: string
  readonly about: string
  /** The variable that turns the part on or off. */
  readonly switch: Field<boolean> | undefined
  /** Beginnings of names that belong to this section, so that others that begin so are misspelt or unknown. */
  readonly prefixes: readonly string[]
  readonly members: Members
  readonly rules: readonly ProductionRule<unknown>[]
  /** Exists for types alone. */
  readonly [VALUES]?: Values
}

/** The values that reading a section gives. */
export type ValuesOf<Part> = Part extends Section<infer Values> ? Values : never

/** Options of {@link section}. */
export interface SectionOptions<Switch extends string | undefined, Parts extends Members> {
  /** Names the part in documents: `Cache`. */
  readonly title: string
  /** A sentence or two under the title in documents. */
  readonly about: string
  /** The variable that turns the part on or off (default on) and gives `enabled`. Without one it is always on. */
  readonly switch?: Switch
  /** Beginnings of variable names that only this section uses: `['CACHE_']`. */
  readonly prefixes?: readonly string[]
  /** The variables, by the names that their values get. */
  readonly fields: Parts
  /** What must not be in production. */
  readonly rules?: readonly ProductionRule<SectionValues<Switch, Parts>>[]
}

/**
 * Describes the variables of one part of an app.
 *
 * While the part is switched off nothing else of it is read: its fields stand at their defaults, groups are absent.
 *
 * @throws TypeError for a description that cannot work: a condition on no field or on an impossible value, a variable
 * described twice, or a `required` field that a switch could leave without a value (use a group, or `requiredWhen`).
 */
export function section<const Switch extends string | undefined = undefined, Parts extends Members = Members>(
  options: SectionOptions<Switch, Parts>,
): Section<SectionValues<Switch, Parts>> {
  const { title, about, prefixes = [], fields: members, rules = [] } = options
  const master =
    options.switch === undefined ? undefined : boolean(options.switch, { meaning: `Turns ${title} on.`, default: true })
  const made: Section<SectionValues<Switch, Parts>> = {
    title,
    about,
    switch: master,
    prefixes,
    members,
    rules: rules as readonly ProductionRule<unknown>[],
  }
  verify(made)
  return made
}

/** Tells groups from single fields. */
export function isGroup(member: Field<unknown> | Group<unknown>): member is Group<unknown> {
  return 'resolve' in member
}

/** Gives every field of a section, each with the condition of its group. */
export function* fieldsOf(part: Section<unknown>): Generator<{ field: Field<unknown>; when: Condition | undefined }> {
  if (part.switch !== undefined) yield { field: part.switch, when: undefined }
  for (const member of Object.values(part.members)) {
    if (!isGroup(member)) yield { field: member, when: undefined }
    else for (const field of Object.values(member.fields)) yield { field, when: member.when }
  }
}

function verify(part: Section<unknown>): void {
  const names = new Set<string>()
  for (const { field, when } of fieldsOf(part)) {
    const where = `Section "${part.title}": ${field.env}`
    if (names.has(field.env)) throw new TypeError(`${where} is described twice`)
    names.add(field.env)
    for (const condition of [when, field.requiredWhen]) verifyCondition(part, condition, where)
    if (field.required && when === undefined && part.switch !== undefined) {
      throw new TypeError(
        `${where} is required, but ${part.switch.env}=false leaves it unread: use a group or requiredWhen`,
      )
    }
  }
}

function verifyCondition(part: Section<unknown>, condition: Condition | undefined, where: string): void {
  for (const [key, values] of Object.entries(condition ?? {})) {
    const member = part.members[key]
    if (member === undefined || isGroup(member)) throw new TypeError(`${where} depends on "${key}", which is no field`)
    for (const value of values) {
      if (!member.parse(String(value), member.env).ok)
        throw new TypeError(`${where} depends on ${member.env}=${value}, which it cannot be`)
    }
  }
}
