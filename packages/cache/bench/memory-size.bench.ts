import { createCache, memoryBackend } from '@plinth/cache'
import { LRUCache } from 'lru-cache'
import { printTarget } from './targets.js'

/** How many bytes of heap an entry of 1 KB takes, beside lru-cache. Run with --expose-gc. */
const ENTRIES = 20_000
const text = (index: number): string => Buffer.alloc(1_024, `${index}:`).toString('latin1')

async function heapOf(fill: () => Promise<object>): Promise<number> {
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const held = await fill()
  globalThis.gc?.()
  const after = process.memoryUsage().heapUsed
  return (after - before) / (Object.keys(held).length >= 0 ? ENTRIES : 1)
}

const theirs = await heapOf(async () => {
  const lru = new LRUCache<string, string>({ max: ENTRIES })
  for (let index = 0; index < ENTRIES; index++) lru.set(`user:${index}`, text(index))
  return { lru }
})
const ours = await heapOf(async () => {
  const cache = createCache({ backend: memoryBackend({ maxEntries: ENTRIES }), ttl: '1h' })
  for (let index = 0; index < ENTRIES; index++) await cache.set(`user:${index}`, text(index))
  return { cache }
})
console.log(`cache: bytes for an entry of 1 KB: ours ${ours.toFixed(0)}, lru-cache ${theirs.toFixed(0)}`)
printTarget('memory for an entry of 1 KB, times that of lru-cache', ours / theirs, { atMost: 1.3 })
