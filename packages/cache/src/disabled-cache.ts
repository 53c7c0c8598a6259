import type { Cache, Explanation } from './cache.js'
import type { CachedFunction, WarmReport } from './functions/cached-function.js'
import { encodeParam } from './keys/encode-param.js'
import { parseTemplate } from './keys/template.js'
import type { LoadContext } from './load-options.js'
import { runUncached } from './run-uncached.js'

type AnyArgs = Readonly<Record<string, unknown>>

/**
 * A cache that caches nothing, for `CACHE_ENABLED=false`: the same type, so the same code runs.
 *
 * Reads miss, loaders run every time, writes and invalidations do nothing, mutations just save. Counting begins anew with each
 * {@link Cache.increment}, and {@link Cache.setIfAbsent} always finds nothing.
 */
export function disabledCache(name = 'cache'): Cache {
  return new DisabledCache(name)
}

const DISABLED: Explanation = {
  state: 'disabled',
  reason: 'The cache is disabled (CACHE_ENABLED=false).',
  computing: false,
}

const NOTHING_TO_WARM: WarmReport = { warmed: 0, failures: [], complete: true }

class DisabledCache implements Cache {
  readonly name: string
  readonly enabled = false
  readonly backend = 'none'
  readonly available = false
  readonly connection = undefined

  constructor(name: string) {
    this.name = name
  }

  async get(): Promise<undefined> {}
  async set(): Promise<void> {}
  async has(): Promise<boolean> {
    return false
  }
  async delete(): Promise<boolean> {
    return false
  }
  async getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return keys.map(() => undefined)
  }
  async setMany(): Promise<void> {}
  async deleteMany(): Promise<number> {
    return 0
  }
  async take(): Promise<undefined> {}
  async increment(_key: string, by = 1): Promise<number> {
    return by
  }
  async setIfAbsent(): Promise<boolean> {
    return true
  }
  async touch(): Promise<boolean> {
    return false
  }
  async invalidateTags(): Promise<void> {}
  async deleteByPrefix(): Promise<void> {}
  async deleteMatching(): Promise<number> {
    return 0
  }
  async clear(): Promise<void> {}
  async warm(): Promise<WarmReport> {
    return NOTHING_TO_WARM
  }
  async explain(): Promise<Explanation> {
    return DISABLED
  }
  async ping(): Promise<void> {}
  async bumpGeneration(): Promise<void> {}
  onRecovered(): () => void {
    return () => {}
  }
  async close(): Promise<void> {}

  readonly getOrSet: Cache['getOrSet'] = (_key, load, options) => runUncached(load, options?.signal)

  readonly define: Cache['define'] = ((template: string, _options: unknown, load: UncachedLoad) =>
    uncachedFunction(template, load)) as unknown as Cache['define']

  readonly mutation: Cache['mutation'] = ((_options: unknown, save: (args: AnyArgs) => unknown) =>
    async (args: AnyArgs) =>
      save(args)) as unknown as Cache['mutation']

  readonly resource: Cache['resource'] = ((name: string, idField: string) => ({
    name,
    idField,
    define: (suffix: string, _options: unknown, load: UncachedLoad) =>
      uncachedFunction(`${name}:{${idField}}:${suffix}`, load),
    mutation: this.mutation,
    tag: (id: never) => `${name}:${encodeParam(id, `The id of ${name}`)}`,
    invalidate: async () => {},
  })) as unknown as Cache['resource']

  readonly slots: Cache['slots'] = {
    defaultTtlMs: 0,
    peek: () => undefined,
    acquire: async () => ({ state: 'away', entry: undefined, lease: undefined, settled: async () => {} }),
    read: async () => undefined,
    put: async () => {},
  }
}

type UncachedLoad = (args: AnyArgs, context: LoadContext) => unknown

/** A template that is wrong is wrong in a disabled cache too: it must not come out only in production. */
function uncachedFunction(template: string, load: UncachedLoad): CachedFunction<AnyArgs, unknown> {
  const { render } = parseTemplate(template)
  const call = async (args: AnyArgs = {}): Promise<unknown> => {
    render(args)
    return runUncached((context) => load(args, context))
  }
  return Object.assign(call, {
    template,
    refresh: call,
    invalidate: async () => {},
    peek: async () => undefined,
    put: async () => {},
    warm: async () => NOTHING_TO_WARM,
  })
}
