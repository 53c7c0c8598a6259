import type { Cache, Explanation, GetOptions, MatchingOptions, Recovery, SetOptions } from './cache.js'
import type { CacheCore } from './cache-core.js'
import { CacheOptionError } from './cache-errors.js'
import type { CacheSlots } from './cache-slots.js'
import { explain } from './explain.js'
import type { WarmOptions, WarmReport } from './functions/cached-function.js'
import { defineFunction } from './functions/define-function.js'
import { defineMutation } from './functions/define-mutation.js'
import { defineResource } from './functions/define-resource.js'
import { canonicalText } from './keys/canonical-key.js'
import { canonicalTags } from './keys/canonical-tags.js'
import { compilePattern } from './keys/key-pattern.js'
import type { GetOrSetOptions, Loader, LoadOptions, Ttl } from './load-options.js'
import { mayBeFunction, mustBeList, refuseUnknown } from './option-checks.js'
import { LOAD_OPTIONS, lifetimeOf, type Policy } from './policy.js'
import { checkBySchema, type ValueCheck } from './value-check.js'

const SET_OPTIONS: ReadonlySet<string> = new Set(['ttl', 'swr', 'staleIfError', 'tags'])
const GET_OPTIONS: ReadonlySet<string> = new Set(['tags'])
const GET_OR_SET_OPTIONS: ReadonlySet<string> = new Set([...LOAD_OPTIONS, 'tags', 'signal', 'refresh'])
const MATCHING_OPTIONS: ReadonlySet<string> = new Set(['signal', 'dryRun', 'onProgress'])
const NONE: readonly string[] = []

/** The public surface over a {@link CacheCore}: texts become addresses, options become policies. */
export class StoreCache implements Cache {
  readonly name: string
  readonly enabled = true
  readonly backend: string
  readonly slots: CacheSlots
  readonly #core: CacheCore

  constructor(core: CacheCore, slots: CacheSlots) {
    this.name = core.name
    this.backend = core.backend.name
    this.slots = slots
    this.#core = core
  }

  get connection(): object | undefined {
    return this.#core.backend.connection
  }

  get available(): boolean {
    return !this.#core.closed && this.#core.backend.available
  }

  get<T>(key: string, options?: GetOptions): Promise<T | undefined> {
    const value = this.#peek(key)
    return value === undefined ? (this.#read(key, options) as Promise<T | undefined>) : Promise.resolve(value as T)
  }

  getOrSet<T>(key: string, load: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    try {
      const check = options?.schema && this.#checkOf(options as GetOrSetOptions<unknown>)
      const value = options?.refresh === true ? undefined : this.#peek(key, check)
      if (value !== undefined) return Promise.resolve(value as T)
      return this.#getOrSet(key, load as Loader<unknown>, options as GetOrSetOptions<unknown>) as Promise<T>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: string, value: unknown, options: SetOptions = {}): Promise<void> {
    const policy = this.#policy(options, 'set')
    await this.#core.write(this.#core.addresses.ofText(key, options.tags), { value, policy })
  }

  async setIfAbsent(key: string, value: unknown, options: SetOptions = {}): Promise<boolean> {
    const policy = this.#policy(options, 'setIfAbsent')
    return this.#core.writeIfAbsent(this.#core.addresses.ofText(key, options.tags), { value, policy })
  }

  async setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options: SetOptions = {},
  ): Promise<void> {
    const policy = this.#policy(options, 'setMany')
    if (typeof entries !== 'object' || entries === null) {
      throw new CacheOptionError('setMany takes an object, a Map, or pairs of key and value.')
    }
    const pairs = isIterable(entries) ? [...entries] : Object.entries(entries)
    const writes = pairs.map(([key, value]) => [this.#core.addresses.ofText(key, options.tags), value] as const)
    await Promise.all(writes.map(([address, value]) => this.#core.write(address, { value, policy })))
  }

  async has(key: string): Promise<boolean> {
    const entry = await this.#core.find(this.#core.addresses.ofText(key), 'head')
    return entry !== undefined && entry.freshForMs > 0
  }

  async getMany<T>(keys: readonly string[], options?: GetOptions): Promise<(T | undefined)[]> {
    mustBeList(keys, 'keys')
    return Promise.all(keys.map((key) => this.get<T>(key, options)))
  }

  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key])) > 0
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    mustBeList(keys, 'keys')
    return this.#core.invalidations.keys(keys.map((key) => this.#core.addresses.ofText(key).key))
  }

  async take<T>(key: string): Promise<T | undefined> {
    return (await this.#core.take(this.#core.addresses.ofText(key))) as T | undefined
  }

  async increment(key: string, by = 1, options: SetOptions = {}): Promise<number> {
    if (!Number.isSafeInteger(by)) throw new CacheOptionError('increment needs a whole number to add.')
    const policy = this.#policy(options, 'increment')
    return this.#core.increment(this.#core.addresses.ofText(key, options.tags), by, lifetimeOf(policy))
  }

  async touch(key: string, ttl?: Ttl): Promise<boolean> {
    const policy = this.#policy(ttl === undefined ? {} : { ttl }, 'touch')
    return this.#core.touch(this.#core.addresses.ofText(key), policy)
  }

  async invalidateTags(...tags: readonly (string | readonly string[])[]): Promise<void> {
    await this.#core.invalidations.tags(canonicalTags(tags.flat()))
  }

  async deleteByPrefix(prefix: string): Promise<void> {
    await this.#core.invalidations.prefix(canonicalText(prefix, 'prefix'))
  }

  async deleteMatching(pattern: string, options: MatchingOptions = {}): Promise<number> {
    refuseUnknown(options, MATCHING_OPTIONS, 'deleteMatching')
    const { signal, dryRun = false, onProgress } = options
    const bounds = { dryRun, ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) }
    return this.#core.invalidations.matching(compilePattern(pattern), bounds)
  }

  clear(): Promise<void> {
    return this.#core.invalidations.everything()
  }

  readonly define: Cache['define'] = ((template: string, options: never, load: never) =>
    defineFunction(this.#core, template, options, load)) as Cache['define']

  readonly mutation: Cache['mutation'] = ((options: never, save: never) =>
    defineMutation(this.#core, options, save)) as Cache['mutation']

  readonly resource: Cache['resource'] = ((name: string, idField: string) =>
    defineResource(this.#core, name, idField)) as unknown as Cache['resource']

  warm(options?: WarmOptions): Promise<WarmReport> {
    return this.#core.warming.run(options)
  }

  async explain(key: string): Promise<Explanation> {
    this.#core.mustBeOpen()
    return explain(this.#core, this.#core.addresses.ofText(key))
  }

  async ping(): Promise<void> {
    this.#core.mustBeOpen()
    await this.#core.backend.ping()
  }

  bumpGeneration(): Promise<void> {
    return this.#core.invalidations.everything()
  }

  onRecovered(listener: (recovery: Recovery) => void): () => void {
    return this.#core.trust.onRecovered(listener)
  }

  close(): Promise<void> {
    return this.#core.close()
  }

  /**
   * What the store can answer at once. A key given as text is looked up as it is, which is right when it is canonical: every key of a
   * store is, and only encoding puts a `%` into one.
   */
  #peek(key: string, check?: ValueCheck): unknown {
    const value = this.#core.peek(key, check)
    if (value === undefined || key.includes('%')) return undefined
    this.#core.reporter.hit(false, undefined)
    return value
  }

  async #read(key: string, options: GetOptions = {}): Promise<unknown> {
    refuseUnknown(options, GET_OPTIONS, 'get')
    return this.#core.read(this.#core.addresses.ofText(key, options.tags), undefined)
  }

  #getOrSet(key: string, load: Loader<unknown>, options: GetOrSetOptions<unknown> = {}): Promise<unknown> {
    refuseUnknown(options, GET_OR_SET_OPTIONS, 'getOrSet')
    if (typeof load !== 'function') throw new CacheOptionError('getOrSet needs a function that loads.')
    const { tags = NONE, storeIf, signal, refresh = false } = options
    mayBeFunction(storeIf, 'storeIf of getOrSet')
    if (signal !== undefined && typeof signal.throwIfAborted !== 'function') {
      throw new CacheOptionError('signal of getOrSet must be an AbortSignal.')
    }
    const tagsOf = typeof tags === 'function' ? tags : undefined
    let policy: Policy | undefined
    return this.#core.load({
      address: this.#core.addresses.ofText(key, typeof tags === 'function' ? NONE : tags),
      template: undefined,
      load,
      policy: () => {
        policy ??= this.#core.policy(options as unknown as LoadOptions<never>, 'getOrSet')
        return policy
      },
      tagsOf: tagsOf && ((value) => canonicalTags(tagsOf(value))),
      check: this.#checkOf(options),
      storeIf,
      signal,
      refresh,
    })
  }

  #checkOf(options: GetOrSetOptions<unknown>): ValueCheck | undefined {
    return checkBySchema(options.schema, () => this.#core.policy(options as unknown as LoadOptions<never>, 'getOrSet'))
  }

  #policy(options: SetOptions, where: string): Policy {
    refuseUnknown(options, SET_OPTIONS, where)
    return this.#core.policy(options as LoadOptions<never>, where)
  }
}

function isIterable(
  entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
): entries is Iterable<readonly [string, unknown]> {
  return Symbol.iterator in entries
}
