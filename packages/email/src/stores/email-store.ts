/**
 * Where a mailer remembers what must not happen twice: idempotency keys, suppressed addresses, webhooks seen.
 *
 * Four operations that Redis, Memcached and SQL all have; `memoryStore` and `redisStore` fill it, and so does anything
 * of this shape. Keys are at most 200 characters of letters, digits, `:`, `_` and `-`; addresses in them are hashed.
 */
export interface EmailStore {
  /** Stores only if the key is absent, in one atomic step; answers whether it did. */
  add(key: string, value: string, ttlMs: number): Promise<boolean>
  /** The value, or `undefined` when there is none or its time has passed. */
  get(key: string): Promise<string | undefined>
  /** Stores, replacing what was there. Without `ttlMs` it stays. */
  set(key: string, value: string, ttlMs?: number): Promise<void>
  /** Forgets the key. */
  delete(key: string): Promise<void>
}
