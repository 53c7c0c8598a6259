import { equal, rejects } from 'node:assert/strict'
import { COUNT_FORMAT } from '../cache-backend.js'
import { CacheValueError } from '../cache-errors.js'
import { at, type CacheBackendCheck, entryOf, LONG, stores, textOf } from './fixture.js'

/** Whole numbers that are added to. */
export const countChecks: readonly CacheBackendCheck[] = [
  {
    name: 'a count begins with 0, may become negative, and is read as a number',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      equal(await store.increment(at('a'), 2, LONG), 2)
      equal(await other.increment(at('a'), -5, LONG), -3)
      const found = await store.read(at('a'))
      equal(textOf(found), '-3')
      equal(found?.format, COUNT_FORMAT)
    },
  },
  {
    name: 'none of many additions at once is lost',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const sums = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 ? store : other).increment(at('a'), 1, LONG)),
      )
      equal(new Set(sums).size, 40)
      equal(await store.increment(at('a'), 0, LONG), 40)
    },
  },
  {
    name: 'a whole number that was written can be added to, and nothing else',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const body = store.holds === 'bytes' ? Buffer.from('41') : 41
      await store.write(at('a'), entryOf(store, '', { body, format: COUNT_FORMAT }))
      equal(await store.increment(at('a'), 1, LONG), 42)
      await store.write(at('b'), entryOf(store, 'text'))
      await rejects(store.increment(at('b'), 1, LONG), CacheValueError)
      equal(textOf(await store.read(at('b'))), 'text')
      await rejects(store.increment(at('a'), Number.MAX_SAFE_INTEGER, LONG), CacheValueError)
      equal(await store.increment(at('a'), 0, LONG), 42)
    },
  },
  {
    name: 'a count keeps the lifetime with which it began',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const short = { freshMs: 2_000, staleMs: 2_000, graceMs: 2_000 }
      await store.increment(at('a'), 5, short)
      await fixture.elapse(1_000)
      equal(await store.increment(at('a'), 1, LONG), 6)
      await fixture.elapse(1_500)
      equal(await store.increment(at('a'), 1, LONG), 1)
    },
  },
]
