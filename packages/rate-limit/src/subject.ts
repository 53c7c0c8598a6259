import { createHash } from 'node:crypto'
import { RateLimitUsageError } from './rate-limit-usage-error.js'

const LONGEST = 64

/**
 * The subject as backends take it: itself when short, else its digest, so that nobody can fill the memory with names.
 *
 * Different subjects stay different: what could pass for a digest is digested too.
 *
 * @throws RateLimitUsageError when it is not a text, or empty.
 */
export function boundedSubject(subject: string): string {
  if (typeof subject !== 'string' || subject === '') {
    throw new RateLimitUsageError(
      'RATE_LIMIT_INVALID_SUBJECT',
      'A rate limit needs a subject: a text that is not empty.',
    )
  }
  return subject.length <= LONGEST && subject.charCodeAt(0) !== HASH_SIGN ? subject : `#${subjectDigest(subject)}`
}

const HASH_SIGN = 0x23

/** 128 bits of SHA-256 over the UTF-16 units, in base64url: lone surrogates, which UTF-8 would merge, stay apart. */
export function subjectDigest(subject: string): string {
  return createHash('sha256').update(Buffer.from(subject, 'utf16le')).digest().subarray(0, 16).toString('base64url')
}

/** {@link subjectDigest} that remembers the digests of the subjects it was last asked about: hashing is dear. */
export class SubjectDigests {
  #recent = new Map<string, string>()
  #before: ReadonlyMap<string, string> = new Map()

  of(subject: string): string {
    const known = this.#recent.get(subject)
    if (known !== undefined) return known
    const digest = this.#before.get(subject) ?? subjectDigest(subject)
    if (this.#recent.size >= MOST_RECENT) {
      this.#before = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(subject, digest)
    return digest
  }
}

const MOST_RECENT = 5000
