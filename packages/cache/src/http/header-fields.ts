/** Header fields by lower-case name, as Node keeps them: a list only where a field came more than once and was not joined. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>

/** The header fields of a response that is stored or about to be sent: lower-case names, values as text. */
export type StoredFields = Readonly<Record<string, string | readonly string[]>>

/** Gives a field as one line, joined as RFC 9110 5.3 joins repeated lines; `undefined` when it is absent. */
export function fieldLine(fields: HeaderFields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' || value === undefined ? value : value.join(', ')
}

/** Gives the members of a comma-separated field, trimmed, empty ones left out. Quoted strings are not looked into. */
export function fieldMembers(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return []
  const line = typeof value === 'string' ? value : value.join(',')
  return line
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** Of the fields that middleware has set before a cached route, those that every answer of the route has to reckon with. */
export interface PriorFields {
  readonly vary?: HeaderFields[string]
  readonly 'cache-control'?: HeaderFields[string]
}
