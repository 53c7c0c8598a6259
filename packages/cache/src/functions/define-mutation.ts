import type { CacheCore } from '../cache-core.js'
import { CacheOptionError, PatternMatchingNotSupportedError } from '../cache-errors.js'
import { boundedKey } from '../keys/canonical-key.js'
import { canonicalTags } from '../keys/canonical-tags.js'
import { compilePattern } from '../keys/key-pattern.js'
import { type Args, type KeyTemplate, parseTemplate } from '../keys/template.js'
import { mustBeList, refuseUnknown } from '../option-checks.js'
import { checkedConcurrency, limited } from './limited.js'
import type { MutationOptions, Recache, RecachePlan } from './mutation.js'

type AnyMutationOptions = MutationOptions<Args, unknown, string>

const KNOWN: ReadonlySet<string> = new Set(['tags', 'keys', 'prefixes', 'patterns', 'recache', 'recacheConcurrency'])

/** Builds a function that invalidates after success; see `Cache.mutation` for its promise. */
export function defineMutation(
  core: CacheCore,
  options: AnyMutationOptions,
  save: (args: Args) => unknown,
): (args: Args) => Promise<unknown> {
  refuseUnknown(options, KNOWN, 'mutation')
  if (typeof save !== 'function') throw new CacheOptionError('mutation needs a function that saves.')
  const invalidation = new Invalidation(core, options)
  const { recache = [], recacheConcurrency = 5 } = options
  mustBeList(recache, 'recache of mutation')
  for (const item of recache) mustBeRecacheable(item)
  const concurrency = checkedConcurrency(recacheConcurrency, 'recacheConcurrency of mutation')
  return async (args) => {
    const result = await save(args)
    await invalidation.run(args, result)
    // Nothing that comes now makes the write fail.
    const failed = (error: unknown): void => core.reporter.failure('recache', error)
    const tasks = recache.flatMap((item) => {
      try {
        return recacheTasks(item, args, result)
      } catch (error) {
        failed(error)
        return []
      }
    })
    const { failures } = await limited(tasks, { concurrency })
    failures.forEach(failed)
    return result
  }
}

class Invalidation {
  readonly #core: CacheCore
  readonly #tags: readonly KeyTemplate[]
  readonly #tagsOf: ((args: Args, result: unknown) => readonly string[]) | undefined
  readonly #keys: readonly KeyTemplate[]
  readonly #prefixes: readonly KeyTemplate[]
  readonly #patterns: readonly KeyTemplate[]

  constructor(core: CacheCore, { tags = [], keys = [], prefixes = [], patterns = [] }: AnyMutationOptions) {
    const parse = (templates: readonly string[]): KeyTemplate[] => templates.map((text) => parseTemplate(text))
    for (const [name, list] of Object.entries({ tags, keys, prefixes, patterns })) {
      if (typeof list !== 'function') mustBeList(list, `${name} of mutation`)
    }
    this.#core = core
    this.#tags = typeof tags === 'function' ? [] : parse(tags)
    this.#tagsOf = typeof tags === 'function' ? tags : undefined
    this.#keys = parse(keys)
    this.#prefixes = parse(prefixes)
    this.#patterns = patterns.map((text) => parseTemplate(text, 'pattern'))
    // Not only at the first success: what has been written by then cannot be taken back.
    if (patterns.length > 0 && core.store.sweep === undefined) {
      throw new PatternMatchingNotSupportedError(core.name, core.backend.name)
    }
  }

  /** Tries everything, then throws what failed first: one failure must not keep the rest from being invalidated. */
  async run(args: Args, result: unknown): Promise<void> {
    const { invalidations } = this.#core
    const steps: readonly (() => Promise<unknown>)[] = [
      () => invalidations.tags([...render(this.#tags, args), ...canonicalTags(this.#tagsOf?.(args, result) ?? [])]),
      () => invalidations.keys(render(this.#keys, args).map(boundedKey)),
      ...this.#prefixes.map((prefix) => () => invalidations.prefix(prefix.render(args))),
      ...this.#patterns.map((pattern) => () => invalidations.matching(compilePattern(pattern.render(args), true))),
    ]
    const outcomes = await Promise.allSettled(steps.map(async (step) => step()))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}

function render(templates: readonly KeyTemplate[], args: Args): string[] {
  return templates.map((template) => template.render(args))
}

/** A plan that cannot work would fail after each success, with nobody waiting for it. */
function mustBeRecacheable(item: Recache<Args, unknown>): void {
  const fn = typeof item === 'object' && item !== null && 'fn' in item ? item.fn : item
  if (typeof fn?.refresh !== 'function') {
    throw new CacheOptionError('recache of mutation takes functions of cache.define, or plans such as { fn, include }.')
  }
}

function recacheTasks(item: Recache<Args, unknown>, args: Args, result: unknown): (() => Promise<unknown>)[] {
  if (typeof item === 'function' || !('fn' in item)) return [() => item.refresh(args)]
  return [planned(item, args, result)].flat().map((planArgs) => () => item.fn.refresh(planArgs as never))
}

function planned(
  { include, rename = {}, extra, args: compute }: RecachePlan<Args, unknown>,
  args: Args,
  result: unknown,
): unknown {
  if (compute !== undefined) return compute(args, result)
  const names = include ?? Object.keys(args)
  return { ...Object.fromEntries(names.map((name) => [rename[name] ?? name, args[name]])), ...extra }
}
