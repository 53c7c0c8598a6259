import { createInterface } from 'node:readline'
import { createCache } from '@plinth/cache'
import { openRedis } from '@plinth/core/redis'
import { openBackend } from './open-backend.js'

/** What many callers in this process shall want, at the moment at which the parent says so. */
export interface Wish {
  readonly key: string
  readonly ttl: number
  /** How long computing takes. */
  readonly loadMs: number
}

/** Every computation is counted in Redis, under the name of its key. */
const [kind = '', address = '', databaseUrl = '', prefix = '', callers = '0'] = process.argv.slice(2)
const cache = createCache({ backend: await openBackend(kind, address), prefix, early: 0, jitter: 0 })
const database = (await openRedis({ url: databaseUrl })).client

async function ask({ key, ttl, loadMs }: Wish): Promise<void> {
  const load = async (): Promise<string> => {
    await database.rpush(`${prefix}:computed:${key}`, Date.now())
    await new Promise((resolve) => setTimeout(resolve, loadMs))
    return 'value'
  }
  const all = Array.from({ length: Number(callers) }, () => cache.getOrSet(key, load, { ttl, tags: ['t'] }))
  const values = new Set(await Promise.all(all))
  console.log(JSON.stringify({ values: [...values] }))
}

await cache.get('warm-up')
console.log(JSON.stringify({ ready: true }))
createInterface({ input: process.stdin }).on('line', (line) => void ask(JSON.parse(line) as Wish))
