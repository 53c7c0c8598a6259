import type { Address } from '../cache-backend.js'
import { CacheOptionError } from '../cache-errors.js'
import type { Addresses } from '../keys/addresses.js'
import { canonicalText } from '../keys/canonical-key.js'
import { type Args, type KeyTemplate, parseTemplate } from '../keys/template.js'
import type { LoadContext, LoadOptions } from '../load-options.js'
import { LOAD_OPTIONS, type Policy, refuseUnknown } from '../policy.js'
import type { LoadRequest } from '../read-through.js'
import type { CachedFunction, DefineOptions, WarmOptions, WarmReport } from './cached-function.js'
import { limited } from './limited.js'

/** What a defined function needs of its cache. */
export interface FunctionHost {
  readonly addresses: Addresses
  policy(options: LoadOptions<never>, where: string): Policy
  load(request: LoadRequest): Promise<unknown>
  peek(address: Address, template: string): Promise<unknown>
  store(address: Address, value: unknown, policy: Policy): Promise<void>
  forget(keys: readonly string[]): Promise<unknown>
}

type AnyDefineOptions = DefineOptions<Args, unknown, string>
type AnyLoad = (args: Args, context: LoadContext) => unknown

const KNOWN: ReadonlySet<string> = new Set([...LOAD_OPTIONS, 'tags'])

/** Builds a cached function on a cache; see `Cache.define` for its promise. */
export function defineFunction(
  host: FunctionHost,
  text: string,
  options: AnyDefineOptions,
  load: AnyLoad,
): CachedFunction<Args, unknown> {
  refuseUnknown(options, KNOWN, `define('${text}')`)
  if (typeof load !== 'function') throw new CacheOptionError(`define('${text}') needs a function that loads.`)
  const template = parseTemplate(text)
  const policy = host.policy(options as LoadOptions<never>, `define('${text}')`)
  const definition = new Definition(host, template, options, load, policy)
  const call = (args: Args = {}): Promise<unknown> => definition.get(args, false)
  return Object.assign(call, {
    template: text,
    refresh: (args: Args = {}) => definition.get(args, true),
    invalidate: (args: Args = {}) => definition.invalidate(args),
    peek: (args: Args = {}) => definition.peek(args),
    put: (args: Args, value: unknown) => definition.put(args, value),
    warm: (many: Iterable<Args>, warm?: WarmOptions) => definition.warm(many, warm),
  })
}

class Definition {
  readonly #host: FunctionHost
  readonly #template: KeyTemplate
  readonly #tags: readonly KeyTemplate[]
  readonly #tagsOf: ((args: Args, value: unknown) => readonly string[]) | undefined
  readonly #storeIf: ((value: unknown) => boolean) | undefined
  readonly #load: AnyLoad
  readonly #policy: Policy

  constructor(host: FunctionHost, template: KeyTemplate, options: AnyDefineOptions, load: AnyLoad, policy: Policy) {
    const { tags = [], storeIf } = options
    this.#host = host
    this.#template = template
    this.#tags = typeof tags === 'function' ? [] : tags.map((tag) => parseTemplate(tag))
    this.#tagsOf = typeof tags === 'function' ? tags : undefined
    this.#storeIf = storeIf
    this.#load = load
    this.#policy = policy
  }

  async get(args: Args, refresh: boolean): Promise<unknown> {
    const tagsOf = this.#tagsOf
    return this.#host.load({
      address: this.#address(args),
      template: this.#template.text,
      load: (context) => this.#load(args, context),
      policy: () => this.#policy,
      tagsOf: tagsOf && ((value) => canonicalTags(tagsOf(args, value))),
      storeIf: this.#storeIf,
      signal: undefined,
      refresh,
    })
  }

  async invalidate(args: Args): Promise<void> {
    await this.#host.forget([this.#address(args).key])
  }

  async peek(args: Args): Promise<unknown> {
    return this.#host.peek(this.#address(args), this.#template.text)
  }

  async put(args: Args, value: unknown): Promise<void> {
    const told = this.#tagsOf === undefined ? [] : canonicalTags(this.#tagsOf(args, value))
    await this.#host.store(this.#address(args, told), value, this.#policy)
  }

  async warm(many: Iterable<Args>, { concurrency = 5, signal }: WarmOptions = {}): Promise<WarmReport> {
    const tasks = function* (definition: Definition): Iterable<() => Promise<unknown>> {
      for (const args of many) yield () => definition.get(args, false)
    }
    const { done, failures } = await limited(tasks(this), concurrency, signal)
    return { warmed: done, failures }
  }

  #address(args: Args, told: readonly string[] = []): Address {
    const tags = this.#tags.map((tag) => tag.render(args))
    return this.#host.addresses.ofCanonical(this.#template.render(args), [...tags, ...told])
  }
}

function canonicalTags(tags: readonly string[]): string[] {
  return tags.map((tag) => canonicalText(tag, 'tag'))
}
