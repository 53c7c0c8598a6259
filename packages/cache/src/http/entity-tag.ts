import { createHash } from 'node:crypto'

const TAG = /\s*(?:(W\/)?"([^"]*)"|([^\s",]+))\s*(?:,|$)/y

/**
 * Makes the weak entity tag of a body under its key.
 *
 * The key is part of it, so that a tag of one resource never matches another whose body happens to be the same. Weak, because
 * what encodes the body further out (a compressing middleware, a proxy) may keep the tag.
 */
export function weakEntityTag(key: string, body: Uint8Array): string {
  const digest = createHash('sha256').update(key).update('\0').update(body).digest('base64url')
  return `W/"${digest.slice(0, 27)}"`
}

/**
 * Whether an `If-None-Match` field names an entity tag, by the weak comparison of RFC 9110 8.8.3.2.
 *
 * `*` matches whatever exists. A tag that lost its quotes on the way is compared as if it had them.
 */
export function matchesEntityTag(condition: string, entityTag: string | undefined): boolean {
  if (condition.trim() === '*') return true
  if (entityTag === undefined) return false
  const wanted = opaque(entityTag)
  TAG.lastIndex = 0
  for (let found = TAG.exec(condition); found !== null; found = TAG.exec(condition)) {
    if ((found[2] ?? found[3]) === wanted) return true
    if (TAG.lastIndex >= condition.length) break
  }
  return false
}

/** Whether two entity tags are the same and neither is weak: what a range needs (RFC 9110 8.8.3.2). */
export function strongMatch(one: string, other: string | undefined): boolean {
  return one === other && one.startsWith('"')
}

function opaque(entityTag: string): string {
  const bare = entityTag.startsWith('W/') ? entityTag.slice(2) : entityTag
  return bare.startsWith('"') && bare.endsWith('"') && bare.length > 1 ? bare.slice(1, -1) : bare
}
