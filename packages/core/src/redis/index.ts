export type { RedisClient, RedisConnection } from './redis-connection.js'
