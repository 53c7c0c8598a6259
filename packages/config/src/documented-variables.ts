import { describeCondition } from './condition.js'
import { configSection } from './config-section.js'
import type { Condition, Field, SharedVariable } from './field.js'
import type { Sections } from './load-config.js'
import type { ProductionRule } from './production-rule.js'
import { fieldsOf, type Section } from './section.js'

/** One variable as documents describe it. */
export interface DocumentedVariable {
  readonly variable: string
  readonly meaning: string
  /** What kind of text it is. */
  readonly type: string
  /** What holds when it is unset; empty when nothing does. */
  readonly preset: string
  /** What it may look like; empty when the meaning says enough. */
  readonly example: string
  /** When it must be set: `always`, `EMAIL_TRANSPORT=postmark`; empty for never. */
  readonly required: string
  /** When it is read at all: `CACHE_BACKEND=redis or tiered`; empty for always. */
  readonly when: string
  /** The variable that is read when it is unset. */
  readonly shared: string | undefined
}

/** The variables of one section, or the shared ones. */
export interface DocumentedSection {
  readonly title: string
  readonly about: string
  readonly variables: readonly DocumentedVariable[]
  readonly rules: readonly ProductionRule<unknown>[]
}

/** Gives what documents about variables are made of: the sections, what they share, and how configuration is judged. */
export function documentedSections(sections: Sections): readonly DocumentedSection[] {
  const parts = Object.values(sections)
  const shared = sharedVariables(parts)
  const documented = parts.map(documentSection)
  if (shared.length > 0) documented.push(documentShared(shared))
  return [...documented, documentSection(configSection)]
}

function documentSection(part: Section<unknown>): DocumentedSection {
  const variables = [...fieldsOf(part)].map(({ field, when }) => documentField(part, field, when))
  return { title: part.title, about: part.about, variables, rules: part.rules }
}

function documentField(
  part: Section<unknown>,
  field: Field<unknown>,
  group: Condition | undefined,
): DocumentedVariable {
  const when = group === undefined ? '' : describeCondition(part, group)
  const requiredWhen = field.requiredWhen === undefined ? '' : describeCondition(part, field.requiredWhen)
  return {
    variable: field.env,
    meaning: field.meaning,
    type: field.type,
    preset: field.fallback?.shown ?? '',
    example: field.example ?? '',
    required: field.required ? when || 'always' : requiredWhen,
    when,
    shared: field.shared?.env,
  }
}

function sharedVariables(parts: readonly Section<unknown>[]): readonly Field<unknown>[] {
  const fields = new Map<string, Field<unknown>>()
  for (const { field } of parts.flatMap((part) => [...fieldsOf(part)])) {
    if (field.shared !== undefined && !fields.has(field.shared.env)) fields.set(field.shared.env, field)
  }
  return [...fields.values()]
}

function documentShared(readers: readonly Field<unknown>[]): DocumentedSection {
  const variables = readers.flatMap(({ shared, type }) => (shared === undefined ? [] : [documentOne(shared, type)]))
  const about = 'Read by every component that has no such setting of its own.'
  return { title: 'Shared servers', about, variables, rules: [] }
}

function documentOne({ env, meaning, example }: SharedVariable, type: string): DocumentedVariable {
  return { variable: env, meaning, type, preset: '', example, required: '', when: '', shared: undefined }
}
