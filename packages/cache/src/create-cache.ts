import { type Bytes, parseBytes } from '@plinth/config/units'
import { type Clock, systemClock } from '@plinth/core'
import { BytePacking } from './byte-packing.js'
import type { Cache } from './cache.js'
import type { CacheBackend } from './cache-backend.js'
import { CacheCore } from './cache-core.js'
import { CacheOptionError } from './cache-errors.js'
import type { Codec } from './codecs/codec.js'
import { Signer } from './codecs/signature.js'
import type { LoadOptions, Ttl } from './load-options.js'
import { asOption, positiveBytes, refuseUnknown } from './option-checks.js'
import { DEFAULT_POLICY, LOAD_OPTIONS, type NamedTtls, parseTtl, resolvePolicy } from './policy.js'
import { StoreCache } from './store-cache.js'
import { StoreSlots } from './store-slots.js'
import { valuePacking } from './value-packing.js'

/** Options of {@link createCache}. Load options hold for every call that does not say otherwise; `ttl` is one hour by default. */
export interface CacheOptions extends Omit<LoadOptions<never>, 'storeIf' | 'schema'> {
  /** Where entries are kept. The cache does not close it. */
  readonly backend: CacheBackend
  /** Keeps this cache apart from others in the same backend. Default `'cache'`. */
  readonly prefix?: string
  /** Change it when the shape of cached values changes: entries of another version are not seen. Default `'v1'`. */
  readonly version?: string
  /** Names the cache in events and errors. Default: the prefix. */
  readonly name?: string
  /**
   * TTLs with names, to be used wherever a TTL is. Default: `short` is 30 seconds, `long` one day, and `default` what a call without a TTL
   * gets; others are added to these.
   */
  readonly ttls?: Readonly<Record<string, Ttl>>
  /** How many leading segments of a key can be deleted as a prefix; each is one more thing to look up where keys are that deep. Default 4. */
  readonly prefixDepth?: number
  /**
   * What an invalidation does that cannot be sent, besides being kept and sent later: `queue` resolves and publishes an event,
   * `throw` rejects. Default `queue`.
   */
  readonly onInvalidationError?: 'queue' | 'throw'
  /** How values become bytes, on backends that keep bytes. Default: JSON, with `Date`, `Map`, `Set`, `bigint`, bytes and `undefined`. */
  readonly codec?: Codec
  /** From which size on bytes are compressed; false never. Default `'8kb'`. */
  readonly compressAbove?: Bytes | false
  /** How large a value may become when it is decompressed. Default `'64mb'`. */
  readonly maxValueBytes?: Bytes
  /**
   * Signs what is stored and refuses what is not signed, on backends that keep bytes. Of several, the first signs and all verify.
   * Whole numbers are not signed, for the server adds to them.
   */
  readonly secrets?: readonly string[]
  /** Default: the machine's. */
  readonly clock?: Clock
}

const KNOWN: ReadonlySet<string> = new Set([
  ...LOAD_OPTIONS.filter((name) => name !== 'storeIf' && name !== 'schema'),
  'backend',
  'prefix',
  'version',
  'name',
  'ttls',
  'prefixDepth',
  'onInvalidationError',
  'codec',
  'compressAbove',
  'maxValueBytes',
  'secrets',
  'clock',
])
const PREFIX = /^[\w.:-]{1,64}$/
const VERSION = /^[\w.-]{1,64}$/
const NAMED_TTLS: Readonly<Record<string, Ttl>> = { short: '30s', long: '1d' }
const NO_NAMES: NamedTtls = new Map()
/** A secret that is shorter can be guessed. */
const MIN_SECRET = 16

/**
 * Makes a cache on a backend. No I/O, no timers.
 *
 * @throws CacheOptionError for unknown options and impossible values.
 */
export function createCache(options: CacheOptions): Cache {
  refuseUnknown(options, KNOWN, 'createCache')
  const { backend, prefix = 'cache', version = 'v1', name = prefix, ttls = {}, prefixDepth = 4 } = options
  const { onInvalidationError = 'queue', clock = systemClock } = options
  if (typeof backend?.open !== 'function')
    throw new CacheOptionError('createCache needs a backend, such as memoryBackend().')
  if (!PREFIX.test(prefix) || !VERSION.test(version)) {
    throw new CacheOptionError(
      'prefix and version of a cache must be 1 to 64 letters, digits, dots, dashes or underscores.',
    )
  }
  if (onInvalidationError !== 'queue' && onInvalidationError !== 'throw') {
    throw new CacheOptionError('onInvalidationError must be queue or throw.')
  }
  if (!(Number.isInteger(prefixDepth) && prefixDepth >= 0 && prefixDepth <= 16)) {
    throw new CacheOptionError('prefixDepth must be a whole number from 0 to 16.')
  }
  const named = new Map(
    Object.entries({ ...NAMED_TTLS, ...ttls }).map(([key, ttl]) => [
      key,
      parseTtl(ttl, NO_NAMES, `ttls.${key} of cache "${name}"`),
    ]),
  )
  const policy = resolvePolicy(DEFAULT_POLICY, options, named, `cache "${name}"`)
  if (!named.has('default')) named.set('default', policy.freshMs)
  const store = backend.open(`${prefix}:${version}`)
  const bytes = bytePacking(options) // refuses what is wrong on any backend: it must not come out only in production
  const packing = store.holds === 'values' ? valuePacking : bytes
  const core = new CacheCore({
    name,
    backend,
    store,
    packing,
    policy,
    ttls: named,
    prefixDepth,
    onInvalidationError,
    clock,
  })
  return new StoreCache(core, new StoreSlots(core))
}

function bytePacking({ codec, compressAbove = '8kb', maxValueBytes = '64mb', secrets }: CacheOptions): BytePacking {
  if (codec !== undefined && !(Number.isInteger(codec.id) && codec.id >= 16 && codec.id <= 255)) {
    throw new CacheOptionError('The id of a codec must be a whole number from 16 to 255.')
  }
  if (secrets !== undefined && !areSecrets(secrets)) {
    throw new CacheOptionError(`secrets of a cache must have at least ${MIN_SECRET} characters, and be at least one.`)
  }
  const above =
    compressAbove === false
      ? Number.POSITIVE_INFINITY
      : asOption(() => parseBytes(compressAbove, 'compressAbove of a cache'))
  return new BytePacking({
    codec,
    compression: { above, maxBytes: positiveBytes(maxValueBytes, 'maxValueBytes of a cache') },
    signer: secrets && new Signer(secrets),
  })
}

function areSecrets(secrets: readonly string[]): boolean {
  const isOne = (secret: unknown): boolean => typeof secret === 'string' && secret.length >= MIN_SECRET
  return Array.isArray(secrets) && secrets.length > 0 && secrets.every(isOne)
}
