import { AsyncLocalStorage } from 'node:async_hooks'
import type { SlotLease } from '../cache-slots.js'
import type { StoredResponse } from './stored-response.js'

/** The renewal of one stale entry: a request played once more, that fills instead of being answered from the cache. */
export interface RefreshTarget {
  /** The key as a request gives it. */
  readonly key: string
  /** The right to fill the entry itself, which may lie beside the key. */
  readonly lease: SlotLease
  readonly stale: StoredResponse
}

/** {@link RefreshTarget} as the replayed request finds it. */
export interface Refresh extends RefreshTarget {
  /** Whether this is the request that renews `key`. Answers yes once. */
  take(key: string): boolean
}

const refreshing = new AsyncLocalStorage<Refresh>()

/** Gives the renewal that the current request was started for, if it was. No header can claim to be one. */
export function currentRefresh(): Refresh | undefined {
  return refreshing.getStore()
}

/** Whether the current request is a renewal in the background: nobody asked for it, so nobody is charged for it. */
export function isRefreshing(): boolean {
  return refreshing.getStore() !== undefined
}

/**
 * Plays a request once more for the sake of its answer.
 *
 * The lease is given back when the replay ends without having reached the cache: refused by authentication, for example.
 * A failing replay is no error: the stale answer has been served, and a later request tries again.
 */
export async function runRefresh(target: RefreshTarget, replay: () => Promise<void>): Promise<void> {
  let taken = false
  const take = (key: string) => {
    if (taken || key !== target.key) return false
    taken = true
    return true
  }
  try {
    await refreshing.run({ ...target, take }, replay)
  } catch {
    // Whoever found the entry stale has long been answered, and the handler's own error handling has seen the failure.
  }
  if (!taken) await target.lease.release()
}
