import type { Limit } from '../../policy/limit.js'
import type { Charge, Correction, Outcome } from '../../rate-limit-backend.js'
import {
  LateCharge,
  type MemcachedCall,
  type Protocol,
  readCount,
  TTL_SLACK_MS,
  type WrittenCharge,
} from './protocol.js'

/** The shortest window that buckets can divide: a call has to fit into one bucket. */
export const SHORTEST_STRICT_MS = 50

const MOST_BUCKETS = 10

/**
 * `strict`: a counter for each tenth of the window; at most N in those that an interval of the window's length can touch.
 *
 * Own bucket first, then the others, on one connection: of two racers in different buckets at least one sees the other,
 * and the last of all admitted ones sees all. That holds while a call takes no longer than a bucket, clock differences
 * included, because the bucket after this one is read too: a call that took longer is undone and made once more.
 */
export const strictBuckets: Protocol = {
  async charge(charge, call) {
    const { connection } = call
    const { subject, limit, cost } = charge
    const { number, lengthMs } = bucketAt(limit, call.now)
    const key = call.key(subject, limit, number)
    const began = performance.now()
    const start = { initial: cost, ttlMs: limit.windowMs + 2 * lengthMs + TTL_SLACK_MS }
    const counting = connection.increment(key, cost, start, call.left())
    const [count, others] = await Promise.all([counting, readOthers(charge, call)])
    const undo = (): Promise<unknown> => connection.incrementExisting(key, -cost, call.left())
    if (performance.now() - began > lengthMs) throw new LateCharge(undo)
    return judge(charge, call, { ...others, own: Math.max(0, count - cost) }, undo)
  },

  async peek(charge, call) {
    const { number } = bucketAt(charge.limit, call.now)
    const reading = call.connection.get(call.key(charge.subject, charge.limit, number), call.left())
    const [own, others] = await Promise.all([reading, readOthers(charge, call)])
    return judge(charge, call, { ...others, own: readCount(own) }, undefined).outcome
  },

  async correct({ subject, limit, by, at }: Correction, call) {
    await call.connection.incrementExisting(call.key(subject, limit, bucketAt(limit, at).number), by, call.left())
  },

  keys(limit, subject, call) {
    const { number, buckets } = bucketAt(limit, call.now)
    return Array.from({ length: buckets + 2 }, (_, i) => call.key(subject, limit, number + 1 - i))
  },
}

/** What was found: the buckets before this one from the oldest on, this one before the charge, and the one after it. */
interface Buckets {
  readonly older: readonly number[]
  readonly own: number
  readonly next: number
}

function bucketAt(
  limit: Limit,
  now: number,
): { readonly number: number; readonly lengthMs: number; readonly buckets: number } {
  const buckets = Math.min(MOST_BUCKETS, Math.floor(limit.windowMs / SHORTEST_STRICT_MS))
  const lengthMs = Math.ceil(limit.windowMs / buckets)
  return { number: Math.floor(now / (lengthMs * 1000)), lengthMs, buckets }
}

async function readOthers({ subject, limit }: Charge, call: MemcachedCall): Promise<Omit<Buckets, 'own'>> {
  const { number, buckets } = bucketAt(limit, call.now)
  const older = Array.from({ length: buckets }, (_, i) => call.key(subject, limit, number - buckets + i))
  const values = await call.connection.getMany([...older, call.key(subject, limit, number + 1)], call.left())
  const counts = values.map(readCount)
  return { older: counts.slice(0, -1), next: counts.at(-1) ?? 0 }
}

function judge(
  { limit, cost }: Charge,
  call: MemcachedCall,
  found: Buckets,
  undo: WrittenCharge['undo'],
): WrittenCharge {
  const { number, lengthMs, buckets } = bucketAt(limit, call.now)
  const counts = [...found.older, found.own, found.next]
  const used = counts.reduce((sum, count) => sum + count, 0)
  const firstLeavesAt = (number + 1) * lengthMs * 1000
  const leavesAfterMs = (i: number): number => Math.ceil((firstLeavesAt + i * lengthMs * 1000 - call.now) / 1000)
  const excess = used + cost - limit.quota
  let freed = 0
  const frees = counts.findIndex((count) => {
    freed += count
    return freed >= excess
  })
  const outcome: Outcome = {
    admits: excess <= 0,
    remaining: Math.max(0, limit.quota - used),
    retryAfterMs: excess <= 0 ? 0 : cost > limit.quota ? Number.POSITIVE_INFINITY : leavesAfterMs(frees),
    resetAfterMs: used === 0 ? 0 : leavesAfterMs(counts.findLastIndex((count) => count > 0)),
    at: call.now,
  }
  return { outcome, resetAfterChargeMs: leavesAfterMs(buckets), undo }
}
