import { mustBeList } from '../option-checks.js'
import { canonicalText } from './canonical-key.js'

/** The canonical forms of tags given as texts. @throws CacheOptionError when it is no list. @throws CacheKeyError */
export function canonicalTags(tags: readonly string[]): string[] {
  mustBeList(tags, 'tags')
  return tags.map((tag) => canonicalText(tag, 'tag'))
}
