import type { Clock } from '@plinth/core'
import { isAway } from './away.js'
import type { Cache, Explanation, GetOptions, MatchingOptions, Recovery, SetOptions } from './cache.js'
import type { Address, CacheBackend, CacheStore, KeyMatcher, NewEntry, StoredEntry } from './cache-backend.js'
import { CacheClosedError, CacheOptionError, PatternMatchingNotSupportedError } from './cache-errors.js'
import type { CacheSlots } from './cache-slots.js'
import { explain } from './explain.js'
import { defineFunction, type FunctionHost } from './functions/define-function.js'
import { defineMutation, type MutationHost } from './functions/define-mutation.js'
import { defineResource } from './functions/define-resource.js'
import { Invalidator } from './invalidator.js'
import { Addresses } from './keys/addresses.js'
import { canonicalText } from './keys/canonical-key.js'
import { compilePattern } from './keys/key-pattern.js'
import type { GetOrSetOptions, Loader, LoadOptions, Ttl } from './load-options.js'
import type { Packing } from './packing.js'
import { LOAD_OPTIONS, type NamedTtls, type Policy, parseTtl, refuseUnknown, resolvePolicy } from './policy.js'
import { ReadThrough } from './read-through.js'
import { Reporter } from './reporter.js'
import { StoreSlots } from './store-slots.js'

/** What a cache is assembled from. */
export interface StoreCacheParts {
  readonly name: string
  readonly backend: CacheBackend
  readonly store: CacheStore
  readonly packing: Packing
  readonly policy: Policy
  readonly ttls: NamedTtls
  readonly prefixDepth: number
  readonly clock: Clock
}

const SET_OPTIONS: ReadonlySet<string> = new Set(['ttl', 'swr', 'staleIfError', 'tags'])
const GET_OR_SET_OPTIONS: ReadonlySet<string> = new Set([...LOAD_OPTIONS, 'tags', 'signal', 'refresh'])
const NO_TAGS: readonly string[] = []

/** A {@link Cache} over a store. */
export class StoreCache implements Cache, FunctionHost, MutationHost {
  readonly name: string
  readonly enabled = true
  readonly backend: string
  readonly slots: CacheSlots
  readonly addresses: Addresses
  readonly #parts: StoreCacheParts
  readonly #store: CacheStore
  readonly #reads: ReadThrough
  readonly #invalidator: Invalidator
  readonly #reporter: Reporter
  #closed = false

  constructor(parts: StoreCacheParts) {
    const { name, backend, store, packing, ttls, clock, prefixDepth } = parts
    this.name = name
    this.backend = backend.name
    this.addresses = new Addresses(prefixDepth)
    this.#parts = parts
    this.#store = store
    this.#reporter = new Reporter(name, backend.name)
    this.#reads = new ReadThrough({ store, packing, ttls, clock, reporter: this.#reporter })
    this.#invalidator = new Invalidator({ store, reads: this.#reads, reporter: this.#reporter, prefixDepth })
    this.slots = new StoreSlots({
      store,
      addresses: this.addresses,
      policy: parts.policy,
      ttls,
      reporter: this.#reporter,
    })
  }

  get available(): boolean {
    return !this.#closed && this.#parts.backend.available
  }

  get<T>(key: string, options?: GetOptions): Promise<T | undefined> {
    const body = this.#peek(key)
    if (body !== undefined) return Promise.resolve(this.#parts.packing.unpack(body, 0) as T)
    return this.#read(key, options?.tags) as Promise<T | undefined>
  }

  getOrSet<T>(key: string, load: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    if (options?.refresh !== true) {
      const body = this.#peek(key)
      if (body !== undefined) return Promise.resolve(this.#parts.packing.unpack(body, 0) as T)
    }
    return this.#getOrSet(key, load as Loader<unknown>, (options ?? {}) as GetOrSetOptions<unknown>) as Promise<T>
  }

  async set(key: string, value: unknown, options: SetOptions = {}): Promise<void> {
    const address = this.addresses.ofText(key, options.tags)
    await this.#write(address, this.#entry(value, this.#lifetime(options, 'set')))
  }

  async setIfAbsent(key: string, value: unknown, options: SetOptions = {}): Promise<boolean> {
    this.#mustBeOpen()
    const address = this.addresses.ofText(key, options.tags)
    return this.#store.write(address, this.#entry(value, this.#lifetime(options, 'setIfAbsent')), 'absent')
  }

  async setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options: SetOptions = {},
  ): Promise<void> {
    const policy = this.#lifetime(options, 'setMany')
    const pairs =
      Symbol.iterator in entries ? [...(entries as Iterable<readonly [string, unknown]>)] : Object.entries(entries)
    const writes = pairs.map(
      ([key, value]) => [this.addresses.ofText(key, options.tags), this.#entry(value, policy)] as const,
    )
    await Promise.all(writes.map(([address, entry]) => this.#write(address, entry)))
  }

  async has(key: string): Promise<boolean> {
    this.#mustBeOpen()
    const entry = await this.#tryRead(this.addresses.ofText(key), 'head')
    return entry !== undefined && entry.freshForMs > 0
  }

  async getMany<T>(keys: readonly string[], options?: GetOptions): Promise<(T | undefined)[]> {
    return Promise.all(keys.map((key) => this.get<T>(key, options)))
  }

  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key])) > 0
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    return this.forget(keys.map((key) => this.addresses.ofText(key).key))
  }

  async take<T>(key: string): Promise<T | undefined> {
    this.#mustBeOpen()
    const address = this.addresses.ofText(key)
    const entry = await this.#attempt('take', () => this.#store.take(address))
    this.#reads.detach([address.key])
    return entry === undefined || entry.freshForMs <= 0 ? undefined : (this.#open(entry) as T)
  }

  async increment(key: string, by = 1, options: SetOptions = {}): Promise<number> {
    this.#mustBeOpen()
    if (!Number.isSafeInteger(by)) throw new CacheOptionError('increment needs a whole number to add.')
    const policy = this.#lifetime(options, 'increment')
    return this.#store.increment(this.addresses.ofText(key, options.tags), by, lifetimeOf(policy))
  }

  async touch(key: string, ttl?: Ttl): Promise<boolean> {
    this.#mustBeOpen()
    const policy = this.#lifetime(ttl === undefined ? {} : { ttl }, 'touch')
    const address = this.addresses.ofText(key)
    return (await this.#attempt('touch', () => this.#store.touch(address, lifetimeOf(policy)))) ?? false
  }

  async invalidateTags(...tags: readonly (string | readonly string[])[]): Promise<void> {
    await this.invalidateCanonicalTags(tags.flat().map((tag) => canonicalText(tag, 'tag')))
  }

  async deleteByPrefix(prefix: string): Promise<void> {
    this.#mustBeOpen()
    await this.#invalidator.prefix(prefix)
  }

  async deleteMatching(pattern: string, options: MatchingOptions = {}): Promise<number> {
    return this.#matching(compilePattern(pattern), options)
  }

  async clear(): Promise<void> {
    this.#mustBeOpen()
    await this.#invalidator.namespace()
  }

  readonly define: Cache['define'] = ((template: string, options: never, load: never) =>
    defineFunction(this, template, options, load)) as Cache['define']

  readonly mutation: Cache['mutation'] = ((options: never, save: never) =>
    defineMutation(this, options, save)) as Cache['mutation']

  readonly resource: Cache['resource'] = ((name: string, idField: string) =>
    defineResource(this, name, idField)) as unknown as Cache['resource']

  async explain(key: string): Promise<Explanation> {
    this.#mustBeOpen()
    return explain(this.#store, this.addresses.ofText(key))
  }

  async ping(): Promise<void> {
    this.#mustBeOpen()
    await this.#parts.backend.ping()
  }

  async bumpGeneration(): Promise<void> {
    await this.clear()
  }

  onRecovered(_listener: (recovery: Recovery) => void): () => void {
    return () => {}
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#reads.detach()
  }

  // What defined functions and mutations ask for.

  policy(options: LoadOptions<never>, where: string): Policy {
    return resolvePolicy(this.#parts.policy, options, this.#parts.ttls, where)
  }

  load(request: Parameters<ReadThrough['get']>[0]): Promise<unknown> {
    if (!request.refresh) {
      const body = this.#closed ? undefined : this.#store.peek?.(request.address.key)
      if (body !== undefined) {
        this.#reporter.hit(false, request.template)
        return Promise.resolve(this.#parts.packing.unpack(body, 0))
      }
    }
    this.#mustBeOpen()
    return this.#reads.get(request)
  }

  async peek(address: Address, template: string): Promise<unknown> {
    this.#mustBeOpen()
    return this.#fresh(await this.#tryRead(address, 'all'), template)
  }

  async store(address: Address, value: unknown, policy: Policy): Promise<void> {
    await this.#write(address, this.#entry(value, policy))
  }

  async forget(keys: readonly string[]): Promise<number> {
    this.#mustBeOpen()
    return this.#invalidator.keys(keys)
  }

  async forgetCanonical(keys: readonly string[]): Promise<number> {
    return this.forget(keys.map((key) => this.addresses.ofCanonical(key).key))
  }

  async invalidateCanonicalTags(tags: readonly string[]): Promise<void> {
    this.#mustBeOpen()
    await this.#invalidator.tags(tags)
  }

  async deletePrefix(prefix: string): Promise<void> {
    this.#mustBeOpen()
    await this.#invalidator.prefix(prefix)
  }

  async sweep(matcher: KeyMatcher): Promise<number> {
    return this.#matching(matcher, {})
  }

  recacheFailed(error: unknown): void {
    this.#reporter.failure('recache', error)
  }

  /**
   * The body that the store can answer at once. A key given as text is looked up as it is, which is right when it is canonical: every key
   * of a store is, and only encoding puts a `%` into one.
   */
  #peek(key: string): unknown {
    const body = this.#closed ? undefined : this.#store.peek?.(key)
    if (body === undefined || key.includes('%')) return undefined
    this.#reporter.hit(false, undefined)
    return body
  }

  async #read(key: string, tags: readonly string[] = NO_TAGS): Promise<unknown> {
    this.#mustBeOpen()
    return this.#fresh(await this.#tryRead(this.addresses.ofText(key, tags), 'all'), undefined)
  }

  async #getOrSet(key: string, load: Loader<unknown>, options: GetOrSetOptions<unknown>): Promise<unknown> {
    this.#mustBeOpen()
    refuseUnknown(options, GET_OR_SET_OPTIONS, 'getOrSet')
    if (typeof load !== 'function') throw new CacheOptionError('getOrSet needs a function that loads.')
    const { tags = NO_TAGS, storeIf, signal, refresh = false } = options
    const tagsOf = typeof tags === 'function' ? tags : undefined
    let policy: Policy | undefined
    return this.#reads.get({
      address: this.addresses.ofText(key, typeof tags === 'function' ? NO_TAGS : tags),
      template: undefined,
      load,
      policy: () => {
        policy ??= this.policy(options as LoadOptions<never>, 'getOrSet')
        return policy
      },
      tagsOf: tagsOf && ((value) => tagsOf(value).map((tag) => canonicalText(tag, 'tag'))),
      storeIf,
      signal,
      refresh,
    })
  }

  async #tryRead(address: Address, part: 'all' | 'head'): Promise<StoredEntry | undefined> {
    return this.#attempt('read', () => this.#store.read(address, part))
  }

  /** What a store answers, or `undefined` when it is away. */
  async #attempt<Answer>(operation: string, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure(operation, error)
      return undefined
    }
  }

  #fresh(entry: StoredEntry | undefined, template: string | undefined): unknown {
    if (entry === undefined || entry.freshForMs <= 0) {
      this.#reporter.miss(template)
      return undefined
    }
    this.#reporter.hit(false, template)
    return this.#open(entry)
  }

  #open(entry: StoredEntry): unknown {
    return this.#parts.packing.unpack(entry.body, entry.format)
  }

  async #write(address: Address, entry: NewEntry): Promise<void> {
    this.#mustBeOpen()
    try {
      await this.#store.write(address, entry)
      this.#reads.detach([address.key])
    } catch (error) {
      await this.#invalidator.distrust([address.key], error)
    }
  }

  async #matching(matcher: KeyMatcher, { signal, dryRun = false, onProgress }: MatchingOptions): Promise<number> {
    this.#mustBeOpen()
    const options = { dryRun, ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) }
    const removed = await this.#invalidator.matching(matcher, options)
    if (removed === undefined) throw new PatternMatchingNotSupportedError(this.name, this.backend)
    return removed
  }

  #entry(value: unknown, policy: Policy): NewEntry {
    return { ...this.#parts.packing.pack(value), ...lifetimeOf(policy), peekMs: policy.freshMs, costMs: 0 }
  }

  #lifetime(options: SetOptions, where: string): Policy {
    refuseUnknown(options, SET_OPTIONS, where)
    const { ttl, swr, staleIfError } = options
    const base = {
      ...this.#parts.policy,
      ...(ttl === undefined ? {} : { freshMs: parseTtl(ttl, this.#parts.ttls, where) }),
    }
    const rest = { ...(swr === undefined ? {} : { swr }), ...(staleIfError === undefined ? {} : { staleIfError }) }
    return resolvePolicy(base, rest, this.#parts.ttls, where)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new CacheClosedError(this.name)
  }
}

function lifetimeOf({ freshMs, swrMs, staleIfErrorMs }: Policy): { freshMs: number; staleMs: number; graceMs: number } {
  return { freshMs, staleMs: freshMs + swrMs, graceMs: freshMs + staleIfErrorMs }
}
