import { InfraError, MisconfiguredError } from '@plinth/core'

/** A key, tag, prefix or pattern that cannot be used: empty, oversized, of the wrong type, or with a missing parameter. */
export class CacheKeyError extends MisconfiguredError {
  override readonly name: string = 'CacheKeyError'

  constructor(message: string) {
    super(message, { code: 'CACHE_KEY_INVALID' })
  }
}

/** An option of the cache or of one call that does not exist or has an impossible value, such as a TTL of zero. */
export class CacheOptionError extends MisconfiguredError {
  override readonly name: string = 'CacheOptionError'

  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CACHE_OPTION_INVALID', cause })
  }
}

/** A value that cannot be stored and read back the same: `undefined`, a function, a cycle, or too large. */
export class CacheValueError extends MisconfiguredError {
  override readonly name: string = 'CacheValueError'

  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CACHE_VALUE_INVALID', cause })
  }
}

/** The backend cannot list its keys, so it cannot delete by pattern. The message names the alternatives. */
export class PatternMatchingNotSupportedError extends MisconfiguredError {
  override readonly name: string = 'PatternMatchingNotSupportedError'

  constructor(cache: string, backend: string) {
    super(
      `Cache "${cache}" cannot delete by pattern: ${backend} does not list its keys. ` +
        'Use deleteByPrefix(prefix) or invalidateTags(tag), which cost one write on every backend.',
      { code: 'PATTERN_MATCHING_NOT_SUPPORTED' },
    )
  }
}

/** A loader did not answer within its hard timeout, and there was nothing older that could be served. */
export class LoaderTimeoutError extends InfraError {
  override readonly name: string = 'LoaderTimeoutError'

  constructor(what: string, timeoutMs: number) {
    super('CACHE_LOADER_TIMEOUT', `The loader of ${what} did not answer within ${timeoutMs} ms.`, { retryable: true })
  }
}

/** The cache was closed; it answers nothing any more. */
export class CacheClosedError extends InfraError {
  override readonly name: string = 'CacheClosedError'

  constructor(cache: string) {
    super('CACHE_CLOSED', `Cache "${cache}" is closed.`)
  }
}
