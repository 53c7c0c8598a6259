import { createCache, memoryBackend } from '@plinth/cache'
import { LRUCache } from 'lru-cache'
import { printTarget } from './targets.js'

/**
 * The share of hits on traces of 100,000 reads, in a cache of 1,000 entries, beside an LRU of the same size. Counted, not timed: the same
 * on every machine.
 */
const CAPACITY = 1_000
const READS = 100_000

/** A generator of numbers below 1, the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Keys by Zipf's law with exponent 0.9 among 10,000. */
function zipf(next: () => number): () => number {
  const weights = Array.from({ length: 10_000 }, (_, rank) => 1 / (rank + 1) ** 0.9)
  const sums: number[] = []
  let sum = 0
  for (const weight of weights) {
    sum += weight
    sums.push(sum)
  }
  return () => {
    const at = next() * sum
    let [low, high] = [0, sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

const draw = zipf(random(1))
const traces: Readonly<Record<string, (read: number) => string>> = {
  zipf: () => `z${draw()}`,
  'zipf with scans': (read) => (read % 10_000 < 3_000 ? `scan${read}` : `z${draw()}`),
  loop: (read) => `l${read % 1_500}`,
}

for (const [name, key] of Object.entries(traces)) {
  const keys = Array.from({ length: READS }, (_, read) => key(read))
  const lru = new LRUCache<string, number>({ max: CAPACITY })
  const cache = createCache({ backend: memoryBackend({ maxEntries: CAPACITY }), ttl: '1h' })
  let [ours, theirs] = [0, 0]
  for (const each of keys) {
    if (lru.get(each) === undefined) lru.set(each, 1)
    else theirs++
    if ((await cache.get(each)) === undefined) await cache.set(each, 1)
    else ours++
  }
  const share = (hits: number): string => `${((100 * hits) / READS).toFixed(1)} %`
  console.log(`cache: hit ratio, ${name.padEnd(16)} ours ${share(ours)}   lru-cache ${share(theirs)}`)
  const lead = (100 * (ours - theirs)) / READS
  printTarget(`hits of a hundred above those of lru-cache, ${name}`, lead, {
    atLeast: name.includes('scan') ? 0.01 : 0,
  })
}
