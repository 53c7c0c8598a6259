import type { HeaderFields } from './header-fields.js'

/** Fields to set on a response, and with `undefined` to take away; what is not named stays as it is. */
export type FieldChanges = Readonly<Record<string, string | readonly string[] | undefined>>

/** Gives the changes that lead from one head to another which says everything it wants. */
export function changesBetween(before: HeaderFields, after: FieldChanges): FieldChanges {
  const changes: Record<string, string | readonly string[] | undefined> = {}
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) changes[name] = value
  return changes
}

/**
 * Gives the changes that put one response in the place of another: what the handler set goes, unless the new one has it too; what
 * middleware had set before the handler stays, and so do cookies if they are `kept`.
 */
export function replacement(
  { fields, prior }: { readonly fields: HeaderFields; readonly prior: HeaderFields },
  after: FieldChanges,
  options: { readonly keepsCookies: boolean },
): FieldChanges {
  const changes: Record<string, string | readonly string[] | undefined> = {}
  for (const name of Object.keys(fields)) {
    if (prior[name] === undefined && !(options.keepsCookies && name === 'set-cookie')) changes[name] = undefined
  }
  return { ...changes, ...after }
}
