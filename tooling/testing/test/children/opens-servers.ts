import { startMemcached, startRedis } from '../../src/index.js'

const redis = await startRedis()
const memcached = await startMemcached()
await memcached.freeze()
console.log(JSON.stringify({ pids: [redis.pid, memcached.pid] }))
setInterval(() => {}, 1_000)
