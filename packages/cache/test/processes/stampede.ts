import { createCache } from '@plinth/cache'
import { openRedis } from '@plinth/core/redis'
import { openBackend } from './open-backend.js'

/** Many callers in this process want one cold key at a moment that the parent names; every computation is counted in Redis. */
const [kind = '', address = '', databaseUrl = '', prefix = '', callers = '0', loadMs = '0'] = process.argv.slice(2)
const cache = createCache({ backend: await openBackend(kind, address), prefix, early: 0, jitter: 0 })
const database = (await openRedis({ url: databaseUrl })).client

const load = async (): Promise<string> => {
  await database.rpush(`${prefix}:computed`, Date.now())
  await new Promise((resolve) => setTimeout(resolve, Number(loadMs)))
  return 'value'
}

async function ask(ttl: number): Promise<void> {
  const all = Array.from({ length: Number(callers) }, () => cache.getOrSet('cold', load, { ttl, tags: ['t'] }))
  const values = new Set(await Promise.all(all))
  console.log(JSON.stringify({ values: [...values] }))
}

await cache.get('warm-up')
console.log(JSON.stringify({ ready: true }))
process.stdin.on('data', (line) => void ask(Number(line.toString())))
