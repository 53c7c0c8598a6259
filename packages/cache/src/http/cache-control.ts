/** The directives of a `Cache-Control` field: lower-case names, with the argument unquoted, or `true` without one. */
export type CacheControl = ReadonlyMap<string, string | true>

/** The largest delta that a cache has to tell from a smaller one (RFC 9111 1.2.2): 2^31 seconds. */
const MAX_DELTA_SECONDS = 2_147_483_648

const DIRECTIVE = /([^\s=,;"]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?=,|$)/y
const SEPARATORS = /[\s,]*/y

const NONE: CacheControl = new Map()

/**
 * Reads a `Cache-Control` field (RFC 9111 5.2).
 *
 * A comma inside a quoted argument separates nothing. Of a directive that comes twice the first counts (RFC 9111 4.2.1).
 * What is malformed is skipped up to the next comma and never read as another directive.
 */
export function parseCacheControl(value: string | readonly string[] | undefined): CacheControl {
  if (value === undefined || value === '') return NONE
  const line = typeof value === 'string' ? value : value.join(', ')
  const directives = new Map<string, string | true>()
  let at = 0
  while (at < line.length) {
    SEPARATORS.lastIndex = at
    SEPARATORS.exec(line)
    at = SEPARATORS.lastIndex
    if (at >= line.length) break
    DIRECTIVE.lastIndex = at
    const found = DIRECTIVE.exec(line)
    if (found === null) {
      at = skipMember(line, at)
      continue
    }
    at = DIRECTIVE.lastIndex
    const name = (found[1] ?? '').toLowerCase()
    const argument = found[2]?.replaceAll(/\\(.)/g, '$1') ?? found[3] ?? true
    if (!directives.has(name)) directives.set(name, argument)
  }
  return directives
}

/**
 * Gives a directive's seconds; `undefined` when it is absent.
 *
 * An argument that is not a plain number of seconds counts as 0, so that a malformed lifetime is stale rather than guessed.
 */
export function deltaSeconds(directives: CacheControl, name: string): number | undefined {
  const argument = directives.get(name)
  if (argument === undefined) return undefined
  if (argument === true || !/^\d+$/.test(argument)) return 0
  return Math.min(Number(argument), MAX_DELTA_SECONDS)
}

/** Gives the header names that a directive lists, such as `no-cache="set-cookie"`, in lower case; `undefined` when it lists none. */
export function listedFields(directives: CacheControl, name: string): readonly string[] | undefined {
  const argument = directives.get(name)
  if (argument === undefined || argument === true) return undefined
  const names = argument
    .toLowerCase()
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '')
  return names.length === 0 ? undefined : names
}

/** Finds the comma that ends a malformed member, stepping over quoted strings. */
function skipMember(line: string, from: number): number {
  let quoted = false
  for (let at = from; at < line.length; at += 1) {
    const character = line[at]
    if (character === '\\' && quoted) at += 1
    else if (character === '"') quoted = !quoted
    else if (character === ',' && !quoted) return at
  }
  return line.length
}
