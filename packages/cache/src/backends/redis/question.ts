import type { RedisConnection } from '@plinth/core/redis'
import type { Address, StoredEntry } from '../../cache-backend.js'
import type { RedisKeys } from './redis-keys.js'

/** What the caller of a batch wants with a key; the modes of the script. */
export type BatchMode = 'r' | 'h' | 'n' | 'f' | 's'

/** The right to compute that a batch won. */
export interface Won {
  readonly token: string
  /** The store's time when the computation begins. */
  readonly begun: string
}

/** One question of a batch, and who is told the answer. */
export interface Question {
  readonly address: Address
  readonly mode: BatchMode
  readonly leaseMs: number
  readonly answer: (entry: StoredEntry | undefined, won: Won | undefined) => void
  readonly reject: (error: unknown) => void
}

/** How a {@link RedisBatch} reaches the server. */
export interface RedisBatchOptions {
  readonly connection: RedisConnection
  readonly keys: RedisKeys
  readonly deadlineMs: number
}
