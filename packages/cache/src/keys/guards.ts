import { CacheKeyError } from '../cache-errors.js'
import { boundedKey, canonicalText } from './canonical-key.js'

/** The guard that every entry of a namespace depends on: `clear` stamps it. */
export const NAMESPACE_GUARD = 'n'

/** Names the guard of a tag given as text. */
export function tagGuard(tag: string): string {
  return canonicalTagGuard(canonicalText(tag, 'tag'))
}

/** Names the guard of a tag that is canonical already, as a rendered template is. */
export function canonicalTagGuard(canonical: string): string {
  return `t:${boundedKey(withoutMarks(canonical))}`
}

/**
 * Names the guards of the prefixes of a canonical key, shortest first: `a:b:c` depends on `a` and `a:b`.
 *
 * @param depth how many segments a prefix may have; prefixes of more segments cost nothing and cannot be deleted.
 */
export function prefixGuards(canonical: string, depth: number): string[] {
  const guards: string[] = []
  let end = canonical.indexOf(':')
  if (end === -1) return guards
  const plain = withoutMarks(canonical)
  end = plain.indexOf(':')
  while (end !== -1 && guards.length < depth) {
    guards.push(`p:${boundedKey(plain.slice(0, end))}`)
    end = plain.indexOf(':', end + 1)
  }
  return guards
}

/**
 * Names the guard of one canonical prefix, and the canonical keys that are exactly this prefix.
 *
 * @throws CacheKeyError when it has more segments than `depth`.
 */
export function prefixTarget(
  prefix: string,
  depth: number,
): { readonly guard: string; readonly keys: readonly string[] } {
  const canonical = prefix.length > 1 && prefix.endsWith(':') ? prefix.slice(0, -1) : prefix
  const segments = canonical.split(':').length
  if (segments > depth) {
    throw new CacheKeyError(
      `A prefix of ${segments} segments cannot be deleted: this cache keeps prefixes of up to ${depth}. ` +
        'Raise prefixDepth of the cache, or use a tag.',
    )
  }
  return { guard: `p:${boundedKey(withoutMarks(canonical))}`, keys: spellings(canonical).map(boundedKey) }
}

/** An invalidation means `42` and `'42'` alike (the latter is marked by a tilde): to miss one is worse than to hit both. */
function withoutMarks(canonical: string): string {
  return canonical.includes('~') ? canonical.replaceAll('~', '') : canonical
}

/** The canonical keys that a text may stand for, each segment as a text and as the number it looks like. */
function spellings(canonical: string): string[] {
  let keys = ['']
  for (const segment of canonical.split(':')) {
    const bare = segment.startsWith('~') ? segment.slice(1) : segment
    const forms = MARKABLE.test(bare) ? [bare, `~${bare}`] : [segment]
    keys = keys.flatMap((key) => forms.map((form) => (key === '' ? form : `${key}:${form}`)))
  }
  return keys
}

/** A segment that may stand for a text as well as for something else. */
const MARKABLE = /^(?:[-\d]|(?:true|false|null)$)/
