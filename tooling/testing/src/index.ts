export { closeWithFile } from './file-scope.js'
export { freePort } from './free-port.js'
export { type Growth, type GrowthOptions, growthOver } from './growth.js'
export { inTime } from './in-time.js'
export { childProcesses, type Leftovers, leakCheck } from './leak-check.js'
export { type MemcachedOptions, type MemcachedServer, startMemcached } from './memcached.js'
export { type PostgresServer, startPostgres } from './postgres.js'
export { type RabbitmqOptions, type RabbitmqServer, startRabbitmq } from './rabbitmq.js'
export { type RedisOptions, type RedisServer, startRedis } from './redis.js'
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './redis-cluster.js'
export { type RedisAddress, type RedisReply, RedisReplyError, redisCommand } from './redis-command.js'
export { type RedisSentinels, startRedisSentinel } from './redis-sentinel.js'
export {
  type BrokenFixtures,
  type Check,
  type FixtureScope,
  failedChecks,
  type MakeFixture,
  registerChecks,
  registerSabotage,
  type SabotageOptions,
} from './register-checks.js'
export type { Server } from './server.js'
export {
  closeSharedServers,
  freshPrefix,
  freshRedis,
  freshVhost,
  sharedMemcached,
  sharedRabbitmq,
  sharedRedis,
  sharedRedisCluster,
} from './shared-servers.js'
export {
  type ChildEnd,
  type SpawnTypescriptOptions,
  spawnTypescript,
  type TypescriptChild,
} from './spawn-typescript.js'
export { type TcpProxy, tcpProxy } from './tcp-proxy.js'
