/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'CACHE_KEY_INVALID',
    error: 'CacheKeyError',
    meaning: 'A key or a template of keys cannot be used.',
    remedy: 'Change the key as the message says.',
  },
  {
    code: 'CACHE_OPTION_INVALID',
    error: 'CacheOptionError',
    meaning: 'An option of the cache or of one call does not exist or has an impossible value.',
    remedy: 'Change the option that the message names.',
  },
  {
    code: 'CACHE_VALUE_INVALID',
    error: 'CacheValueError',
    meaning: 'A value cannot be stored and read back the same: undefined, a function, a cycle, or too large.',
    remedy: 'Store plain data, or less of it.',
  },
  {
    code: 'PATTERN_MATCHING_NOT_SUPPORTED',
    error: 'PatternMatchingNotSupportedError',
    meaning: 'The backend does not list its keys, so it cannot delete by pattern.',
    remedy: 'Use deleteByPrefix or invalidateTags.',
  },
  {
    code: 'CACHE_LOADER_TIMEOUT',
    error: 'LoaderTimeoutError',
    meaning: 'A loader did not answer within its hard timeout, and nothing older could be served.',
    remedy: 'Make the loader faster, or allow stale values.',
  },
  {
    code: 'CACHE_CLOSED',
    error: 'CacheClosedError',
    meaning: 'The cache was closed.',
    remedy: 'Use it before it is closed.',
  },
]
