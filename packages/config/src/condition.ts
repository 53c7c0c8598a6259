import type { Condition } from './field.js'
import { isGroup, type Section } from './section.js'

/** Whether every field that the condition names has one of the values it lists. */
export function holds(condition: Condition, values: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(condition).every(([key, accepted]) => accepted.some((value) => value === values[key]))
}

/** Gives a condition in the names of variables: `CACHE_BACKEND=redis or tiered`. */
export function describeCondition(part: Section<unknown>, condition: Condition): string {
  const clauses = Object.entries(condition).map(([key, accepted]) => {
    const member = part.members[key]
    return `${member === undefined || isGroup(member) ? key : member.env}=${accepted.join(' or ')}`
  })
  return clauses.join(' and ')
}
