import type { Cache } from '../cache.js'
import type { RequestFacts } from './request-facts.js'
import { isUnsafe } from './request-facts.js'
import { PATH_TAG_TEMPLATE, plainPath } from './route-key.js'
import { collectValues, parseRouteTemplate, type RouteTemplate, type TemplateValues } from './route-template.js'

/** What a successful change invalidates besides the resource under its own path. All are templates as in the `key` of a cached route. */
export interface InvalidationOptions {
  /** The resource that changed, such as `post:{id}`: its answers, and what else the cache holds under that name and below it. */
  readonly key?: string
  /** Other resources that changed with it, such as `feed:{user.id}`. */
  readonly keys?: readonly string[]
  readonly tags?: readonly string[]
  /** Globs over keys, such as `feed:*`. Not on Memcached, which cannot list its keys. */
  readonly patterns?: readonly string[]
}

/** {@link InvalidationOptions}, read once. */
export interface InvalidationPlan {
  readonly prefixes: readonly RouteTemplate[]
  readonly tags: readonly RouteTemplate[]
  readonly patterns: readonly RouteTemplate[]
}

/** Of a finished request, what invalidation has to know. */
export interface FinishedRequest {
  readonly status: number
  /** `Location` and `Content-Location` as the handler set them. */
  readonly location: string | undefined
  readonly contentLocation: string | undefined
}

/**
 * Reads the options of one route once.
 *
 * @throws MisconfiguredError or CacheKeyError for a template that cannot be used.
 */
export function compileInvalidation(options: InvalidationOptions): InvalidationPlan {
  const keys = options.key === undefined ? (options.keys ?? []) : [options.key, ...(options.keys ?? [])]
  return {
    prefixes: keys.map(parseRouteTemplate),
    tags: (options.tags ?? []).map(parseRouteTemplate),
    patterns: (options.patterns ?? []).map(parseRouteTemplate),
  }
}

const NOTHING: InvalidationPlan = { prefixes: [], tags: [], patterns: [] }

/** Invalidates what requests have changed. */
export class RouteInvalidator {
  readonly #cache: Pick<Cache, 'mutation'>
  readonly #runs = new WeakMap<InvalidationPlan, (values: TemplateValues) => Promise<void>>()

  constructor(cache: Pick<Cache, 'mutation'>) {
    this.#cache = cache
  }

  /**
   * Readies a plan before its first request, so that what the backend cannot do shows then and not after a change.
   *
   * @throws PatternMatchingNotSupportedError when the plan has patterns and the backend cannot list its keys.
   */
  prepare(plan: InvalidationPlan): void {
    this.#runOf(plan)
  }

  /**
   * Invalidates what a request has changed, if it may have changed anything: an unsafe method with an answer that is no error
   * (RFC 9111 4.4). Resolves when no process serves or stores the old any more.
   *
   * @throws what {@link RouteInvalidator.prepare} throws, and whatever keeps an invalidation from being sent.
   */
  async afterRequest(
    plan: InvalidationPlan | undefined,
    facts: RequestFacts,
    finished: FinishedRequest,
  ): Promise<void> {
    if (!isUnsafe(facts.method) || finished.status < 200 || finished.status >= 400) return
    const values: TemplateValues = {}
    for (const template of templatesOf(plan ?? NOTHING)) collectValues(template, facts, values)
    const paths = changedPaths(facts, finished)
    const run = this.#runOf(plan ?? NOTHING)
    await run({ ...values, path$: paths[0] ?? facts.path })
    for (const path of paths.slice(1)) await this.#runOf(NOTHING)({ path$: path })
  }

  #runOf(plan: InvalidationPlan): (values: TemplateValues) => Promise<void> {
    const known = this.#runs.get(plan)
    if (known !== undefined) return known
    const texts = (templates: readonly RouteTemplate[]) => templates.map(({ template }) => template.text)
    const run = this.#cache.mutation(
      {
        tags: [PATH_TAG_TEMPLATE, ...texts(plan.tags)],
        prefixes: texts(plan.prefixes),
        patterns: texts(plan.patterns).flatMap(answersUnder),
      },
      async (_: TemplateValues): Promise<void> => {},
    )
    this.#runs.set(plan, run)
    return run
  }
}

/** A cached answer lies one segment below the name of its resource. */
function answersUnder(pattern: string): string[] {
  return pattern.endsWith('*') ? [pattern] : [pattern, `${pattern}:*`]
}

function templatesOf(plan: InvalidationPlan): RouteTemplate[] {
  return [...plan.prefixes, ...plan.tags, ...plan.patterns]
}

/** The request's own path, and those of the same host that the answer points to (RFC 9111 4.4). */
function changedPaths(facts: RequestFacts, { location, contentLocation }: FinishedRequest): string[] {
  const base = new URL(facts.path, facts.origin)
  const paths = new Set([plainPath(facts.path)])
  for (const reference of [location, contentLocation]) {
    if (reference === undefined || !URL.canParse(reference, base.href)) continue
    const target = new URL(reference, base)
    if (target.origin === base.origin) paths.add(plainPath(target.pathname))
  }
  return [...paths]
}
