export type { CounterStart, MemcachedConnection } from './memcached-connection.js'
