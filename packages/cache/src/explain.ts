import { describeDuration } from '@plinth/config/units'
import { isAway } from './away.js'
import type { Explanation } from './cache.js'
import type { Address, ChangedGuard, Inspection, StoredEntry } from './cache-backend.js'
import type { CacheCore } from './cache-core.js'

/** Says what is known about a key, for people. */
export async function explain(core: CacheCore, address: Address): Promise<Explanation> {
  let found: Inspection
  try {
    found = await core.store.inspect(address)
  } catch (error) {
    if (!isAway(error)) throw error
    return { state: 'unavailable', reason: `The backend does not answer: ${error.message}`, computing: false }
  }
  const obstacle = await core.whyNotRead(address, found.entry)
  if (obstacle !== undefined) return { ...NOT_READ[obstacle], computing: found.leased }
  const { state, entry, leased, changed } = found
  return {
    state: state === 'absent' ? 'missing' : state,
    reason: `${reasonFor(found)}${leased ? ' It is being computed now.' : ''}`,
    computing: leased,
    ...(entry === undefined ? {} : facts(entry)),
    ...(changed.length === 0 ? {} : { invalidatedBy: changed.map(describeChange) }),
  }
}

const NOT_READ = {
  untrusted: {
    state: 'unavailable',
    reason: 'The backend was away; until it has shown that it lost no invalidation, nothing in it is read.',
  },
  unsent: {
    state: 'invalidated',
    reason: 'It was invalidated while the backend did not answer; until that is sent, it is not read.',
  },
} as const

function facts(entry: StoredEntry): Partial<Explanation> {
  const { ageMs, freshForMs, staleForMs, costMs, guards } = entry
  const tags = guards.filter((guard) => guard.startsWith('t:')).map((guard) => guard.slice(2))
  return { ageMs, freshForMs, staleForMs, costMs, tags }
}

function reasonFor({ state, entry, changed }: Inspection): string {
  const ms = (duration: number): string => describeDuration(Math.max(0, Math.round(duration)))
  switch (state) {
    case 'absent':
      return 'Nothing is stored: it was never computed, was deleted, has expired, or was evicted.'
    case 'fresh':
      return `It is fresh for another ${ms(entry?.freshForMs ?? 0)}.`
    case 'stale':
      return `It expired ${ms(-(entry?.freshForMs ?? 0))} ago and may still be served while it is computed anew, or should that fail.`
    case 'expired':
      return 'It has expired.'
    case 'undecodable':
      return 'What is stored was not written by this cache, or by an incompatible version of it.'
    case 'invalidated':
      return `It was invalidated by ${changed.map((change) => describeChange(change).what).join(', ')}.`
  }
}

function describeChange({ guard, at }: ChangedGuard): { readonly what: string; readonly at?: Date } {
  const kind = guard.startsWith('t:') ? 'tag ' : guard.startsWith('p:') ? 'prefix ' : ''
  const what = kind === '' ? 'clear' : `${kind}${guard.slice(2)}`
  return at === undefined ? { what: `${what} (lost by the backend)` } : { what, at: new Date(at) }
}
