import type { StandardSchemaV1 } from '@standard-schema/spec'

/** What one prop of a ready template is: text, or an http(s) address; a `?` makes it optional. */
export type PropKind = 'text' | 'text?' | 'url' | 'url?'

/** The props that a table of kinds describes. */
export type PropsOf<Kinds extends Readonly<Record<string, PropKind>>> = {
  readonly [Key in keyof Kinds as Kinds[Key] extends `${string}?` ? never : Key]: string
} & {
  readonly [Key in keyof Kinds as Kinds[Key] extends `${string}?` ? Key : never]?: string | undefined
}

/**
 * A Standard Schema for a handful of texts and addresses, so that the ready templates need no schema library.
 *
 * What is not in the table is dropped.
 */
export function propsSchema<const Kinds extends Readonly<Record<string, PropKind>>>(
  kinds: Kinds,
): StandardSchemaV1<PropsOf<Kinds>> {
  return {
    '~standard': {
      version: 1,
      vendor: 'plinth',
      validate: (value) => {
        const given = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
        const issues = Object.entries(kinds).flatMap(([name, kind]) =>
          fits(given[name], kind) ? [] : [{ message: `must be ${describe(kind)}`, path: [name] }],
        )
        if (issues.length > 0) return { issues }
        const props = Object.fromEntries(Object.keys(kinds).map((name) => [name, given[name]]))
        return { value: props as PropsOf<Kinds> }
      },
    },
  }
}

function fits(value: unknown, kind: PropKind): boolean {
  if (value === undefined) return kind.endsWith('?')
  if (typeof value !== 'string' || value.trim() === '') return false
  return !kind.startsWith('url') || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
}

function describe(kind: PropKind): string {
  return kind.startsWith('url') ? 'an http or https address' : 'text'
}
