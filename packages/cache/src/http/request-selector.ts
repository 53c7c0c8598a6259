import { fieldLine, type HeaderFields } from './header-fields.js'

/**
 * Gives the part of a request that a selector names, normalised so that requests which ask for the same get the same text.
 *
 * A selector is a header name in lower case, or `cookie:NAME` for one cookie. `undefined` when the request does not have it.
 * `accept-encoding` becomes the set of codings the client takes; `accept-language` and other `accept` fields become their
 * members in order of preference; in every other field only the blanks around commas are removed.
 */
export function selectFromRequest(headers: HeaderFields, selector: string): string | undefined {
  if (selector.startsWith('cookie:')) return cookieValue(fieldLine(headers, 'cookie'), selector.slice('cookie:'.length))
  const line = fieldLine(headers, selector)
  if (line === undefined) return undefined
  if (selector === 'accept-encoding') return acceptedCodings(line)
  if (selector === 'accept' || selector === 'accept-language') return byPreference(line)
  return line.trim().replaceAll(/\s*,\s*/g, ',')
}

interface Preference {
  readonly value: string
  readonly quality: number
}

function preferences(line: string): Preference[] {
  return line
    .toLowerCase()
    .split(',')
    .map((member) => {
      const [value = '', ...parameters] = member.replaceAll(/\s/g, '').split(';')
      const quality = parameters.find((parameter) => parameter.startsWith('q='))
      const others = parameters.filter((parameter) => !parameter.startsWith('q='))
      return { value: [value, ...others].join(';'), quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
    })
    .filter(({ value }) => value !== '')
}

/** Equal qualities mean equal preference, so the order they came in says nothing. */
function byPreference(line: string): string {
  return preferences(line)
    .sort((one, other) => other.quality - one.quality || (one.value < other.value ? -1 : 1))
    .map(({ value, quality }) => (quality === 1 ? value : `${value};q=${quality}`))
    .join(',')
}

function acceptedCodings(line: string): string {
  return preferences(line)
    .filter(({ quality }) => quality > 0)
    .map(({ value }) => value)
    .sort()
    .join(',')
}

function cookieValue(line: string | undefined, name: string): string | undefined {
  for (const pair of line?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}
