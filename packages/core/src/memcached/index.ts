export type {
  CounterStart,
  MemcachedConnection,
  MemcachedVersion,
  VersionedItem,
  VersionedValue,
} from './memcached-connection.js'
export { MemcachedArgumentError, MemcachedKeyError, MemcachedValueTooLargeError } from './memcached-errors.js'
export type { MemcachedTarget } from './memcached-servers.js'
export { type OpenMemcachedOptions, openMemcached } from './open-memcached.js'
