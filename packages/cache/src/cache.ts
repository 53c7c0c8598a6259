import type { Duration } from '@plinth/config/units'
import type { Closable } from '@plinth/core'
import type { CacheSlots } from './cache-slots.js'
import type {
  CachedFunction,
  DefineOptions,
  FunctionArgs,
  Load,
  WarmOptions,
  WarmReport,
} from './functions/cached-function.js'
import type { MutationOptions } from './functions/mutation.js'
import type { CacheResource } from './functions/resource.js'
import type { GetOrSetOptions, Loader, Ttl } from './load-options.js'

/**
 * A cache: values under keys, made invalid by key, tag, prefix, pattern or altogether.
 *
 * **Never stale by accident.** Once an invalidation has resolved, nothing computed before it is served or stored, in any process.
 * **Never in the way.** When the backend is away, reads miss and loaders run; only what would give a wrong answer rejects
 * ({@link Cache.increment}, {@link Cache.setIfAbsent}). Invalidations that could not be sent are kept and sent later.
 * **Yours.** What you put in and what you take out may be changed freely; it is never shared.
 *
 * Keys are texts whose segments are separated by colons, such as `user:42:posts`. `null`, `0`, `''` and `false` are values;
 * `undefined` is the answer for "not there" and cannot be stored.
 */
export interface Cache extends Closable {
  /** Names the cache in logs, events and errors. */
  readonly name: string
  /** Whether it caches at all: false for the null object of a disabled cache. */
  readonly enabled: boolean
  /** The backend's name, such as `redis`; `none` when disabled. */
  readonly backend: string
  /**
   * The connection that the backend was lent, for commands of your own (see `redisConnectionOf` and `memcachedConnectionOf`); `undefined` in
   * memory and when disabled. What begins with the cache's prefix and version is the cache's: leave it alone.
   */
  readonly connection: object | undefined

  /** The value, or `undefined`. */
  get<T = unknown>(key: string, options?: GetOptions): Promise<T | undefined>
  /** Stores a value, replacing what was there. */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>
  /** The value, computed by `load` when it is missing: once for all who ask at the same time, in all processes. */
  getOrSet<T>(key: string, load: Loader<T>, options?: GetOrSetOptions<T>): Promise<T>
  /** Whether there is a value. */
  has(key: string): Promise<boolean>
  /** Deletes; answers whether there was something. */
  delete(key: string): Promise<boolean>
  /** The values in the order of the keys, `undefined` for what is not there. */
  getMany<T = unknown>(keys: readonly string[], options?: GetOptions): Promise<(T | undefined)[]>
  /** Stores many: an object, a `Map`, or pairs of key and value. */
  setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options?: SetOptions,
  ): Promise<void>
  /** Deletes many; answers how many there were. */
  deleteMany(keys: readonly string[]): Promise<number>
  /** Reads and deletes in one step: of many takers, one gets the value. */
  take<T = unknown>(key: string): Promise<T | undefined>
  /**
   * Adds to a whole number and answers the sum; begins with 0. The lifetime is set when it begins.
   *
   * @throws BackendUnavailableError when the backend cannot tell. @throws CacheValueError when the value is not a whole number.
   */
  increment(key: string, by?: number, options?: SetOptions): Promise<number>
  /** Stores only if nothing is there; answers whether it did. @throws BackendUnavailableError when the backend cannot tell. */
  setIfAbsent(key: string, value: unknown, options?: SetOptions): Promise<boolean>
  /** Gives a value a new lifetime from now (default: the cache's); answers whether it is there. */
  touch(key: string, ttl?: Ttl): Promise<boolean>

  /** Invalidates everything that carries one of these tags: one write per tag, whatever the number of entries. */
  invalidateTags(...tags: readonly (string | readonly string[])[]): Promise<void>
  /** Invalidates `prefix` itself and everything below it (`prefix:...`): one write, whatever the number of entries. */
  deleteByPrefix(prefix: string): Promise<void>
  /**
   * Deletes every key that matches: `*` any text, `?` one character, `[abc]` one of them. Answers how many there were.
   *
   * @throws PatternMatchingNotSupportedError on a backend that cannot list its keys.
   */
  deleteMatching(pattern: string, options?: MatchingOptions): Promise<number>
  /** Invalidates the whole cache, and nothing else in its backend: one write. */
  clear(): Promise<void>

  /** Makes a function cached under a template of its arguments, such as `'user:{userId}'`. */
  define<
    const Template extends string,
    Arguments extends FunctionArgs<Template | Tag>,
    Result,
    const Tag extends string = never,
  >(
    template: Template,
    options: DefineOptions<Arguments, Result, Tag>,
    load: Load<Arguments, Result>,
  ): CachedFunction<Arguments, Result>
  /** Makes a function invalidate what it changes, after it succeeded; then computes anew what `recache` says. */
  mutation<Arguments extends FunctionArgs<Tag>, Result, const Tag extends string = never>(
    options: MutationOptions<Arguments, Result, Tag>,
    save: (args: Arguments) => Result | Promise<Result>,
  ): (args: Arguments) => Promise<Awaited<Result>>
  /** Groups the functions of one kind of thing, tagged `name:{idField}`, such as `resource('user', 'userId')`. */
  resource<const Name extends string, const IdField extends string>(
    name: Name,
    idField: IdField,
  ): CacheResource<Name, IdField>

  /**
   * Computes what the functions defined with `warm` name and what is not cached yet, a few at a time; for the start of an app. Failures are
   * answered, not thrown, and a `budget` bounds how long the start waits.
   */
  warm(options?: WarmOptions): Promise<WarmReport>

  /** Why a key is a hit, stale, refused or missing. */
  explain(key: string): Promise<Explanation>
  /** Resolves when the backend answers. @throws BackendUnavailableError */
  ping(): Promise<void>
  /** Whether the backend can be reached now. */
  readonly available: boolean
  /**
   * Makes everything stored until now invalid. For whoever knows that invalidations were lost; the cache itself does this after an outage
   * in which its backend may have lost some.
   */
  bumpGeneration(): Promise<void>
  /** Calls `listener` after each outage, once reads can be trusted again; the answer takes it off. */
  onRecovered(listener: (recovery: Recovery) => void): () => void
  /** Two-step access for adapters: look up or lease first, store later, bytes untouched. */
  readonly slots: CacheSlots
}

/** Options of a read. */
export interface GetOptions {
  /** The tags the value was stored with, if known: spares a round trip where tags are looked up with the value. */
  readonly tags?: readonly string[]
}

/** Options of a write. */
export interface SetOptions {
  /** How long it is fresh: a duration, or the name of one of the cache's TTLs, such as `'short'`. */
  readonly ttl?: Ttl
  /** How long after that it may be served while it is computed anew. */
  readonly swr?: Duration
  /** How long after `ttl` it may be served because computing it failed. */
  readonly staleIfError?: Duration
  readonly tags?: readonly string[]
}

/** Options of {@link Cache.deleteMatching}. */
export interface MatchingOptions {
  /** Ends the search; what was deleted stays deleted. */
  readonly signal?: AbortSignal
  /** Counts only. */
  readonly dryRun?: boolean
  /** Told the number deleted so far. */
  readonly onProgress?: (deleted: number) => void
}

/** What is known about a key. */
export interface Explanation {
  readonly state: 'missing' | 'fresh' | 'stale' | 'expired' | 'invalidated' | 'undecodable' | 'unavailable' | 'disabled'
  /** One sentence for people. */
  readonly reason: string
  /** Whether somebody computes it now. */
  readonly computing: boolean
  readonly ageMs?: number
  readonly freshForMs?: number
  readonly staleForMs?: number
  readonly costMs?: number
  readonly tags?: readonly string[]
  /** What invalidated it, such as `tag user:42`, and when as far as known. */
  readonly invalidatedBy?: readonly { readonly what: string; readonly at?: Date }[]
}

/** How an outage ended for the cache. */
export interface Recovery {
  readonly downForMs: number
  /** How many invalidations were kept and have now been sent. */
  readonly replayed: number
  /** Whether everything stored before was made invalid, because invalidations may have been lost. */
  readonly generationBumped: boolean
}
