export type { Endpoint } from './endpoint.js'
export {
  type MemcachedGroupOptions,
  type MemcachedSettings,
  memcachedGroup,
  sharedMemcachedServers,
} from './memcached/memcached-group.js'
export { isPrivateHost } from './private-host.js'
export {
  type RabbitmqGroupOptions,
  type RabbitmqSettings,
  rabbitmqGroup,
  sharedRabbitmqUrl,
} from './rabbitmq-group.js'
export {
  publicRedisRule,
  type RedisGroupOptions,
  type RedisSettings,
  redisGroup,
  sharedRedisUrl,
} from './redis/redis-group.js'
export type { RedisAddress } from './redis/redis-url.js'
