import { encodeParam } from '../keys/encode-param.js'

/** Which query parameters make a difference: all of them, or those named. */
export type QuerySelection = 'all' | ReadonlySet<string>

/**
 * Gives the part of a query that a key holds: the selected parameters, decoded, sorted by name and encoded again.
 *
 * The order of parameters and the way they are escaped make no difference; the order of values under one name does.
 */
export function keyedQuery(query: string, selection: QuerySelection): string {
  if (query === '' || (selection !== 'all' && selection.size === 0)) return ''
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map(decodePair)
    .filter(([name]) => isSelected(name, selection))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([name, value]) => `${encodeParam(name, 'A query parameter')}=${encodeParam(value, 'A query parameter')}`)
    .join(';')
}

/** Whether a parameter makes a difference. A name covers what is nested in it: `filter` covers `filter[author]`. */
export function isSelected(name: string, selection: QuerySelection): boolean {
  if (selection === 'all' || selection.has(name)) return true
  const bracket = name.indexOf('[')
  return bracket > 0 && selection.has(name.slice(0, bracket))
}

function decodePair(pair: string): readonly [name: string, value: string] {
  const equals = pair.indexOf('=')
  return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
}

/** Text with a broken escape stays as it is: it means something else than any text that decodes. */
function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
