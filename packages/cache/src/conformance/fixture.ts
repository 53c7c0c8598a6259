import type { Check } from '@plinth/core/checks'
import type { Address, CacheBackend, CacheStore, Lifetime, NewEntry, StoredEntry } from '../cache-backend.js'

/** What a check of a backend runs against. */
export interface CacheBackendFixture {
  /** The backend under test. */
  readonly backend: CacheBackend
  /** The same data as another process sees them; the same backend where there is no other process. */
  readonly other: CacheBackend
  /** A namespace that nobody else uses, letters and digits. */
  readonly namespace: string
  /** Lets time pass for the backend: a fake clock, or a real wait. */
  elapse(ms: number): Promise<void>
}

/** A promise of the contract. */
export type CacheBackendCheck = Check<CacheBackendFixture>

/** Lifetimes far beyond a check. */
export const LONG: Lifetime = { freshMs: 60_000, staleMs: 60_000, graceMs: 60_000 }
/** The guards that most checks use. */
export const GUARDS: readonly string[] = ['n', 'p:user', 't:user:42']
/** Long enough for a check to be over before a lease is. */
export const LEASE_MS = 20_000

/** An address with the usual guards. */
export function at(key: string, guards: readonly string[] = GUARDS): Address {
  return { key, guards }
}

/** An entry whose body is a text, as the store holds bodies. */
export function entryOf(store: CacheStore, text: string, more: Partial<NewEntry> = {}): NewEntry {
  const body = store.holds === 'bytes' ? Buffer.from(text) : text
  return { ...LONG, body, size: text.length, format: 7, costMs: 0, peekMs: 0, ...more }
}

/** The text in an entry's body, or `undefined`. */
export function textOf(entry: StoredEntry | undefined): string | undefined {
  if (entry === undefined) return undefined
  return entry.body instanceof Uint8Array ? Buffer.from(entry.body).toString() : String(entry.body)
}

/** Opens the namespace in the backend under test, and as another process sees it. */
export function stores({ backend, other, namespace }: CacheBackendFixture): readonly [CacheStore, CacheStore] {
  return [opened(backend.open(namespace)), opened(other.open(namespace))]
}

const seen = new WeakSet<CacheStore>()

/** A store that keeps copies gets the way to make them: without it, none would ever be checked. */
function opened(store: CacheStore): CacheStore {
  if (!seen.has(store)) {
    seen.add(store)
    store.openWith?.((entry) => ({ body: textOf(entry), size: 100 }))
  }
  return store
}

/** The text at a key as another process reads it, knowing none of its guards. */
export async function seenElsewhere(fixture: CacheBackendFixture, key: string): Promise<string | undefined> {
  return textOf(await stores(fixture)[1].read(at(key, ['n'])))
}
