/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'BACKEND_UNAVAILABLE',
    error: 'BackendUnavailableError',
    meaning:
      'A server cannot be reached (`reason` `closed`), did not answer in time (`deadline`), refused for now (`refused`), or rests after failures (`open`). A call that timed out may have been executed.',
    remedy: 'Nothing: the connection comes back by itself. Start the server, or repair the network.',
  },
  {
    code: 'MISCONFIGURED',
    error: 'MisconfiguredError',
    meaning: 'A setting, an argument or a right is wrong and stays wrong until somebody changes it.',
    remedy: 'Change what the message names.',
  },
  {
    code: 'REDIS_CONFIG_INVALID',
    error: 'MisconfiguredError',
    meaning: 'The settings of a Redis connection cannot be read, or contradict each other.',
    remedy: 'Change or remove what the message names.',
  },
  {
    code: 'REDIS_PASSWORD_CONFLICT',
    error: 'MisconfiguredError',
    meaning: 'Two components give two passwords for the same user of the same Redis.',
    remedy: 'Give the same password to both, or another user name to one.',
  },
  {
    code: 'MEMCACHED_CONFIG_INVALID',
    error: 'MisconfiguredError',
    meaning: 'The list of Memcached servers cannot be read, or half a login is given.',
    remedy: 'Write host:port, separated by commas; give user name and password together.',
  },
  {
    code: 'MISSING_DEPENDENCY',
    error: 'MissingDependencyError',
    meaning: 'An optional client package is not installed.',
    remedy: 'Run the npm install that the message shows.',
  },
  {
    code: 'MEMCACHED_KEY_INVALID',
    error: 'MemcachedKeyError',
    meaning: 'A key is empty, longer than 250 bytes, or has white space or control characters in it. Nothing was sent.',
    remedy: 'Hash long keys; encode what users type.',
  },
  {
    code: 'MEMCACHED_VALUE_TOO_LARGE',
    error: 'MemcachedValueTooLargeError',
    meaning: 'A value is larger than the server takes. Nothing was sent.',
    remedy: 'Store less, compress it, or start the server with a larger -I.',
  },
  {
    code: 'MEMCACHED_ARGUMENT_INVALID',
    error: 'MemcachedArgumentError',
    meaning: 'A TTL is not positive, or a counter is no whole number up to 2^53 - 1. Nothing was sent.',
    remedy: 'Pass what the message asks for.',
  },
]
