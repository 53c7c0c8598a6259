import type { Address } from '../cache-backend.js'
import type { CacheCore } from '../cache-core.js'
import { CacheOptionError } from '../cache-errors.js'
import { canonicalTags } from '../keys/canonical-tags.js'
import { type Args, type KeyTemplate, parseTemplate } from '../keys/template.js'
import type { LoadContext, LoadOptions } from '../load-options.js'
import { mayBeFunction, mustBeList, refuseUnknown } from '../option-checks.js'
import { LOAD_OPTIONS, type Policy } from '../policy.js'
import { checkBySchema, type ValueCheck } from '../value-check.js'
import type { CachedFunction, DefineOptions, WarmOptions, WarmReport } from './cached-function.js'
import { warm } from './warming.js'

type AnyDefineOptions = DefineOptions<Args, unknown, string>
type AnyLoad = (args: Args, context: LoadContext) => unknown

const KNOWN: ReadonlySet<string> = new Set([...LOAD_OPTIONS, 'tags', 'warm'])

/** Builds a cached function on a cache; see `Cache.define` for its promise. */
export function defineFunction(
  core: CacheCore,
  text: string,
  options: AnyDefineOptions,
  load: AnyLoad,
): CachedFunction<Args, unknown> {
  refuseUnknown(options, KNOWN, `define('${text}')`)
  if (typeof load !== 'function') throw new CacheOptionError(`define('${text}') needs a function that loads.`)
  const template = parseTemplate(text)
  const policy = core.policy(options as unknown as LoadOptions<never>, `define('${text}')`)
  const definition = new Definition(core, template, options, load, policy)
  const { warm: argsToWarm } = options
  mayBeFunction(argsToWarm, `warm of define('${text}')`)
  if (argsToWarm !== undefined) core.warming.add(() => definition.warmPlan(argsToWarm))
  const call = (args: Args = {}): Promise<unknown> => definition.get(args)
  return Object.assign(call, {
    template: text,
    refresh: (args: Args = {}) => definition.load(args, true),
    invalidate: (args: Args = {}) => definition.invalidate(args),
    peek: (args: Args = {}) => definition.peek(args),
    put: (args: Args, value: unknown) => definition.put(args, value),
    warm: (many: Iterable<Args>, warm?: WarmOptions) => definition.warm(many, warm),
  })
}

class Definition {
  readonly #core: CacheCore
  readonly #template: KeyTemplate
  readonly #tags: readonly KeyTemplate[]
  readonly #tagsOf: ((args: Args, value: unknown) => readonly string[]) | undefined
  readonly #storeIf: ((value: unknown) => boolean) | undefined
  readonly #check: ValueCheck | undefined
  readonly #load: AnyLoad
  readonly #policy: Policy

  constructor(core: CacheCore, template: KeyTemplate, options: AnyDefineOptions, load: AnyLoad, policy: Policy) {
    const { tags = [], schema, storeIf } = options
    mayBeFunction(storeIf, `storeIf of define('${template.text}')`)
    if (typeof tags !== 'function') mustBeList(tags, `tags of define('${template.text}')`)
    this.#core = core
    this.#template = template
    this.#tags = typeof tags === 'function' ? [] : tags.map((tag) => parseTemplate(tag))
    this.#tagsOf = typeof tags === 'function' ? tags : undefined
    this.#check = checkBySchema(schema, () => policy)
    this.#storeIf = storeIf
    this.#load = load
    this.#policy = policy
  }

  get(args: Args): Promise<unknown> {
    let value: unknown
    try {
      value = this.#core.peek(this.#template.render(args), this.#check)
    } catch (error) {
      return Promise.reject(error)
    }
    if (value === undefined) return this.load(args, false)
    this.#core.reporter.hit(false, this.#template.text)
    return Promise.resolve(value)
  }

  async load(args: Args, refresh: boolean): Promise<unknown> {
    const tagsOf = this.#tagsOf
    return this.#core.load({
      address: this.#address(args),
      template: this.#template.text,
      load: (context) => this.#load(args, context),
      policy: () => this.#policy,
      tagsOf: tagsOf && ((value) => canonicalTags(tagsOf(args, value))),
      check: this.#check,
      storeIf: this.#storeIf,
      signal: undefined,
      refresh,
    })
  }

  async invalidate(args: Args): Promise<void> {
    await this.#core.invalidations.keys([this.#address(args).key])
  }

  async peek(args: Args): Promise<unknown> {
    return this.#core.read(this.#address(args), this.#template.text, this.#check)
  }

  async put(args: Args, value: unknown): Promise<void> {
    const told = this.#tagsOf === undefined ? [] : canonicalTags(this.#tagsOf(args, value))
    await this.#core.write(this.#address(args, told), { value, policy: this.#policy })
  }

  async warm(many: Iterable<Args>, options?: WarmOptions): Promise<WarmReport> {
    return warm(this.#tasks(many), options)
  }

  /** Failures are told by events as well, for nobody may be waiting any more. */
  async *warmPlan(
    argsToWarm: () => Iterable<Args> | Promise<Iterable<Args>>,
  ): AsyncGenerator<() => Promise<unknown>, void, undefined> {
    const { reporter } = this.#core
    const told = (error: unknown): Promise<never> => {
      reporter.failure('warm', error, this.#template.text)
      return Promise.reject(error)
    }
    try {
      for (const task of this.#tasks(await argsToWarm())) yield () => task().catch(told)
    } catch (error) {
      yield () => told(error)
    }
  }

  *#tasks(many: Iterable<Args>): Generator<() => Promise<unknown>, void, undefined> {
    for (const args of many) yield () => this.get(args)
  }

  #address(args: Args, told: readonly string[] = []): Address {
    const tags = this.#tags.map((tag) => tag.render(args))
    return this.#core.addresses.ofCanonical(this.#template.render(args), [...tags, ...told])
  }
}
