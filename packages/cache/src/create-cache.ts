import { type Clock, systemClock } from '@plinth/core'
import type { Cache } from './cache.js'
import type { CacheBackend } from './cache-backend.js'
import { CacheOptionError } from './cache-errors.js'
import type { LoadOptions, Ttl } from './load-options.js'
import { valuePacking } from './packing.js'
import { DEFAULT_POLICY, LOAD_OPTIONS, type NamedTtls, parseTtl, refuseUnknown, resolvePolicy } from './policy.js'
import { StoreCache } from './store-cache.js'

/** Options of {@link createCache}. Load options hold for every call that does not say otherwise; `ttl` is one hour by default. */
export interface CacheOptions extends Omit<LoadOptions<never>, 'storeIf'> {
  /** Where entries are kept. The cache does not close it. */
  readonly backend: CacheBackend
  /** Keeps this cache apart from others in the same backend. Default `'cache'`. */
  readonly prefix?: string
  /** Change it when the shape of cached values changes: entries of another version are not seen. Default `'v1'`. */
  readonly version?: string
  /** Names the cache in events and errors. Default: the prefix. */
  readonly name?: string
  /** TTLs with names, such as `{ short: '30s', long: '1d' }`, to be used wherever a TTL is. */
  readonly ttls?: Readonly<Record<string, Ttl>>
  /** How many leading segments of a key can be deleted as a prefix; each is one more thing to look up where keys are that deep. Default 4. */
  readonly prefixDepth?: number
  /** Default: the machine's. */
  readonly clock?: Clock
}

const KNOWN: ReadonlySet<string> = new Set([
  ...LOAD_OPTIONS.filter((name) => name !== 'storeIf'),
  'backend',
  'prefix',
  'version',
  'name',
  'ttls',
  'prefixDepth',
  'clock',
])
const NAME = /^[\w.-]{1,64}$/

/**
 * Makes a cache on a backend. No I/O, no timers.
 *
 * @throws CacheOptionError for unknown options and impossible values.
 */
export function createCache(options: CacheOptions): Cache {
  refuseUnknown(options, KNOWN, 'createCache')
  const {
    backend,
    prefix = 'cache',
    version = 'v1',
    name = prefix,
    ttls = {},
    prefixDepth = 4,
    clock = systemClock,
  } = options
  if (typeof backend?.open !== 'function')
    throw new CacheOptionError('createCache needs a backend, such as memoryBackend().')
  for (const [what, text] of Object.entries({ prefix, version })) {
    if (!NAME.test(text)) {
      throw new CacheOptionError(`${what} of a cache must be 1 to 64 letters, digits, dots, dashes or underscores.`)
    }
  }
  if (!(Number.isInteger(prefixDepth) && prefixDepth >= 0 && prefixDepth <= 16)) {
    throw new CacheOptionError('prefixDepth must be a whole number from 0 to 16.')
  }
  const named: NamedTtls = new Map(
    Object.entries(ttls).map(([key, ttl]) => [key, parseTtl(ttl, new Map(), `ttls.${key} of cache "${name}"`)]),
  )
  const policy = resolvePolicy(DEFAULT_POLICY, options, named, `cache "${name}"`)
  const store = backend.open(`${prefix}:${version}`)
  return new StoreCache({ name, backend, store, packing: valuePacking, policy, ttls: named, prefixDepth, clock })
}
