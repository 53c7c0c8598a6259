export { type MemoryBackend, type MemoryBackendOptions, memoryBackend } from './backends/memory/memory.js'
export type { Cache, Explanation, GetOptions, MatchingOptions, Recovery, SetOptions } from './cache.js'
export {
  type Address,
  type CacheBackend,
  type CacheStore,
  type ChangedGuard,
  type Claim,
  type ClaimRequest,
  COUNT_FORMAT,
  type EntryPart,
  type Inspection,
  type KeyMatcher,
  type Lease,
  type Lifetime,
  type NewEntry,
  type OpenBody,
  type StoredEntry,
  type SweepOptions,
  type WriteCondition,
} from './cache-backend.js'
export {
  CacheClosedError,
  CacheKeyError,
  CacheOptionError,
  CacheValueError,
  LoaderTimeoutError,
  PatternMatchingNotSupportedError,
} from './cache-errors.js'
export {
  type CacheEvent,
  cacheChannels,
  type FailureEvent,
  type FillEvent,
  type HitEvent,
  type InvalidateEvent,
} from './cache-events.js'
export type {
  AcquireOptions,
  CacheSlots,
  Slot,
  SlotContent,
  SlotEntry,
  SlotKey,
  SlotLease,
} from './cache-slots.js'
export type { Codec } from './codecs/codec.js'
export { type CacheOptions, createCache } from './create-cache.js'
export { disabledCache } from './disabled-cache.js'
export type {
  CachedFunction,
  DefineOptions,
  FunctionArgs,
  Load,
  WarmOptions,
  WarmReport,
} from './functions/cached-function.js'
export type { MutationOptions, Recache, Recacheable, RecachePlan } from './functions/mutation.js'
export type { CacheResource } from './functions/resource.js'
export type { KeyParam } from './keys/encode-param.js'
export { type KeyTemplate, type Placeholders, parseTemplate } from './keys/template.js'
export type { GetOrSetOptions, LoadContext, Loader, LoadOptions, Ttl } from './load-options.js'
