import { type Channel, channel } from 'node:diagnostics_channel'
import type { DeadReason, Outcome } from './outcome.js'

/** What `plinth:tasks:enqueue` tells: one message was handed to the broker. */
export interface EnqueueEvent {
  readonly id: string
  readonly task: string
  readonly queue: string
  /** `buffered`: the broker is away, and this process keeps it. */
  readonly status: 'accepted' | 'duplicate' | 'buffered' | 'refused' | 'unknown'
}

/** What `plinth:tasks:start` tells: an attempt begins. */
export interface StartEvent {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly attempt: number
  /** Milliseconds between the moment it was due and now: how far the workers are behind. */
  readonly latencyMs: number
  readonly suspect: boolean
}

/** What `plinth:tasks:settle` tells: an attempt has come to its outcome. */
export interface SettleEvent {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly attempt: number
  readonly outcome: Outcome['kind']
  readonly reason: DeadReason | undefined
  readonly durationMs: number
}

/** What `plinth:tasks:lag` tells: the event loop of a worker stood still for long. */
export interface LagEvent {
  readonly lagMs: number
  /** How long it may before other workers take over. */
  readonly leaseMs: number
  /** The names of tasks that were running: one of them may be what blocked. */
  readonly tasks: readonly string[]
}

/** The diagnostics channels of tasks. They cost nothing while nobody subscribes. */
export const enqueueChannel: Channel = channel('plinth:tasks:enqueue')
export const startChannel: Channel = channel('plinth:tasks:start')
export const lagChannel: Channel = channel('plinth:tasks:lag')
export const settleChannel: Channel = channel('plinth:tasks:settle')
