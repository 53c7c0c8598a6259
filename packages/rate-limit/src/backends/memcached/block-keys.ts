import type { BlockOrder, Charge, Outcome } from '../../rate-limit-backend.js'
import { type MemcachedCall, type Protocol, readCount, TTL_SLACK_MS } from './protocol.js'

/** `block`: the time until which a subject is blocked, and beside it how many blocks there were in a row. */
export const blockKeys: Protocol = {
  async charge(charge, call) {
    const outcome = await blockOf(charge, call)
    return { outcome, resetAfterChargeMs: outcome.resetAfterMs, undo: undefined }
  },

  peek: blockOf,

  async correct() {},

  keys: (limit, subject, call) => [call.key(subject, limit, UNTIL), call.key(subject, limit, LEVEL)],
}

/**
 * Blocks, and answers for how many milliseconds.
 *
 * Of callers who block at the same moment one wins with `add`; the level is counted after that.
 */
export async function writeBlock(
  { subject, limit }: Pick<Charge, 'subject' | 'limit'>,
  order: BlockOrder,
  call: MemcachedCall,
): Promise<number> {
  const { connection } = call
  const [untilKey, levelKey] = [call.key(subject, limit, UNTIL), call.key(subject, limit, LEVEL)]
  const [until, level] = await connection.getMany([untilKey, levelKey], call.left())
  const standsMs = readCount(until) - Math.floor(call.now / 1000)
  if (order.unlessBlocked && standsMs > 0) return standsMs
  const lastsMs = Math.ceil(
    Math.min(order.baseMs * order.factor ** Math.min(readCount(level), MOST_LEVELS), order.maxMs),
  )
  const value = String(Math.ceil(call.now / 1000) + lastsMs)
  const ttlMs = lastsMs + TTL_SLACK_MS
  const isFirst = until === undefined && (await connection.add(untilKey, value, ttlMs, call.left()))
  if (!isFirst && until === undefined && order.unlessBlocked) return lastsMs // another one was quicker, with the same block
  if (!isFirst) await connection.set(untilKey, value, ttlMs, call.left())
  const rememberMs = lastsMs + order.rememberMs
  await connection.increment(levelKey, 1, { initial: 1, ttlMs: rememberMs }, call.left())
  await connection.touch(levelKey, rememberMs, call.left())
  return lastsMs
}

const UNTIL = 'until'
const LEVEL = 'level'
const MOST_LEVELS = 63

async function blockOf({ subject, limit }: Charge, call: MemcachedCall): Promise<Outcome> {
  const until = readCount(await call.connection.get(call.key(subject, limit, UNTIL), call.left()))
  const restMs = Math.max(0, Math.ceil(until - call.now / 1000))
  return { admits: restMs === 0, remaining: 0, retryAfterMs: restMs, resetAfterMs: restMs, at: call.now }
}
