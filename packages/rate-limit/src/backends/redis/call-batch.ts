import type { Limit } from '../../policy/limit.js'
import type { Charge, DecideOptions } from '../../rate-limit-backend.js'

/** Sends the calls of a batch as one command, and answers what the script replied. */
export type SendBatch = (batch: CallBatch) => Promise<readonly number[]>

/** Calls on the same limits that were made in one turn of the event loop, to be decided by one command in their order. */
export interface CallBatch extends DecideOptions {
  readonly limits: readonly Limit[]
  readonly calls: readonly (readonly Charge[])[]
}

/** A reply, and which call of its batch it answers. */
export interface CallReply {
  readonly reply: readonly number[]
  readonly index: number
}

interface OpenBatch extends CallBatch {
  readonly slot: string
  readonly calls: (readonly Charge[])[]
  readonly waiting: Waiting[]
}

interface Waiting {
  readonly resolve: (reply: readonly number[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the calls of one turn of the event loop.
 *
 * A server under load reads many requests in one turn; one command for all of them costs it and Redis a fraction of many.
 * A single call is sent at the end of its turn, which is at once when nothing else goes on; a full batch sooner, so that
 * Redis works on it while the rest of the turn is gathered.
 */
export class CallBatcher {
  readonly #send: SendBatch
  readonly #open: OpenBatch[] = []

  constructor(send: SendBatch) {
    this.#send = send
  }

  /**
   * Adds a call.
   *
   * @param slot calls of different slots are not gathered: what Redis Cluster would refuse.
   */
  add(slot: string, charges: readonly Charge[], options: DecideOptions): Promise<CallReply> {
    const batch = this.#batchFor(slot, charges, options)
    const index = batch.calls.push(charges) - 1
    return new Promise((resolve, reject) => {
      batch.waiting.push({ resolve: (reply) => resolve({ reply, index }), reject })
      if (batch.calls.length * charges.length >= FULL) this.#flush(batch)
    })
  }

  #batchFor(slot: string, charges: readonly Charge[], options: DecideOptions): OpenBatch {
    for (const batch of this.#open) if (isFor(batch, slot, charges, options)) return batch
    if (this.#open.length >= MOST_OPEN) this.#flushAll()
    const { deadlineMs, peek } = options
    const limits = charges.map(({ limit }) => limit)
    const batch: OpenBatch = { slot, limits, deadlineMs, peek, calls: [], waiting: [] }
    if (this.#open.length === 0) setImmediate(() => this.#flushAll())
    this.#open.push(batch)
    return batch
  }

  #flushAll(): void {
    for (const batch of this.#open.splice(0)) void this.#ask(batch)
  }

  #flush(batch: OpenBatch): void {
    this.#open.splice(this.#open.indexOf(batch), 1)
    void this.#ask(batch)
  }

  async #ask(batch: OpenBatch): Promise<void> {
    try {
      const reply = await this.#send(batch)
      for (const { resolve } of batch.waiting) resolve(reply)
    } catch (error) {
      for (const { reject } of batch.waiting) reject(error)
    }
  }
}

function isFor(
  batch: OpenBatch,
  slot: string,
  charges: readonly Charge[],
  { deadlineMs, peek }: DecideOptions,
): boolean {
  const { limits } = batch
  if (batch.slot !== slot || batch.deadlineMs !== deadlineMs || batch.peek !== peek) return false
  if (limits.length !== charges.length) return false
  for (let i = 0; i < limits.length; i += 1) if (limits[i] !== charges[i]?.limit) return false
  return true
}

/** So many charges are sent at once: a command has its price, and so has Redis waiting for us and then we for it. */
const FULL = 32

/** With more plans than this in one turn, looking for the right batch costs more than a command. */
const MOST_OPEN = 16
