import type { Limit } from '../../policy/limit.js'
import type { Outcome } from '../../rate-limit-backend.js'
import type { MemcachedCall, Protocol } from './protocol.js'

/** How many slots a limit may have: each is a key that a call may have to look at. */
export const MOST_SLOTS = 64

/** The shortest lease: servers count in whole seconds, and a slot has to outlive a renewal that was missed. */
export const SHORTEST_LEASE_MS = 5000

/** A slot that this process took. */
interface TakenSlot {
  readonly key: string
  /** Until when it is certainly ours, by our own clock. */
  safeUntil: number
}

/**
 * `concurrency`: a key for each slot, taken with `add`, which only one caller can win.
 *
 * A slot is given back by deleting it, but only while it is certainly still ours: Memcached cannot compare and delete.
 * Later than that it is left to its TTL.
 */
export function slotKeys(): Protocol {
  const taken = new Map<string, TakenSlot>()
  return {
    async charge({ subject, limit, lease = '' }, call) {
      const ttlMs = ttlOf(limit)
      const free = await freeSlots(limit, subject, call)
      for (const [i, key] of free.entries()) {
        const safeUntil = performance.now() + ttlMs - SAFETY_MS
        if (!(await call.connection.add(key, lease, ttlMs, call.left()))) continue
        taken.set(lease, { key, safeUntil })
        const undo = (): Promise<unknown> => giveBack(taken, lease, call)
        return { outcome: outcomeOf(limit, free.length - i, call), resetAfterChargeMs: limit.windowMs, undo }
      }
      return { outcome: outcomeOf(limit, 0, call), resetAfterChargeMs: limit.windowMs, undo: undefined }
    },

    async peek({ subject, limit }, call) {
      return outcomeOf(limit, (await freeSlots(limit, subject, call)).length, call)
    },

    async correct({ limit, by, lease = '' }, call) {
      if (by < 0) return giveBack(taken, lease, call)
      const slot = taken.get(lease)
      if (slot === undefined || performance.now() > slot.safeUntil) return
      const ttlMs = ttlOf(limit)
      const safeUntil = performance.now() + ttlMs - SAFETY_MS
      if (await call.connection.touch(slot.key, ttlMs, call.left())) slot.safeUntil = safeUntil
      else taken.delete(lease)
    },

    keys: (limit, subject, call) => slotsOf(MOST_SLOTS, limit, subject, call),
  }
}

/** How early a server may end a TTL, and how long a command may be under way. */
const SAFETY_MS = 1500

async function giveBack(taken: Map<string, TakenSlot>, lease: string, call: MemcachedCall): Promise<void> {
  const slot = taken.get(lease)
  taken.delete(lease)
  if (slot !== undefined && performance.now() <= slot.safeUntil) await call.connection.delete(slot.key, call.left())
}

/** The slots that nobody holds, in an order of chance so that callers do not all try the same. */
async function freeSlots(limit: Limit, subject: string, call: MemcachedCall): Promise<readonly string[]> {
  const keys = slotsOf(limit.quota, limit, subject, call)
  const values = await call.connection.getMany(keys, call.left())
  const free = keys.filter((_, i) => values[i] === undefined)
  const first = Math.floor(Math.random() * free.length)
  return [...free.slice(first), ...free.slice(0, first)]
}

function slotsOf(count: number, limit: Limit, subject: string, call: MemcachedCall): readonly string[] {
  return Array.from({ length: count }, (_, i) => call.key(subject, limit, i))
}

/** A second less than the lease, because a server's own second may end late: a slot whose holder died is free in time. */
function ttlOf(limit: Limit): number {
  return Math.floor(limit.windowMs / 1000) * 1000 - 1000
}

function outcomeOf(limit: Limit, free: number, call: MemcachedCall): Outcome {
  const isFull = free === 0
  return {
    admits: !isFull,
    remaining: free,
    retryAfterMs: isFull ? limit.windowMs : 0,
    resetAfterMs: free < limit.quota ? limit.windowMs : 0,
    at: call.now,
  }
}
