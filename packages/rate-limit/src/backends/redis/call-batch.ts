import { ScriptLimits } from './script-arguments.js'

/** Sends the calls of a batch as one command, and answers what the script replied. */
export type SendBatch = (batch: CallBatch) => Promise<readonly number[]>

/** Where the reply to one call stands in the reply to its batch. */
export interface CallReply {
  readonly numbers: readonly number[]
  readonly from: number
}

/** Calls that were made in one turn of the event loop, to be decided by one command, one after the other. */
export interface CallBatch {
  readonly limits: ScriptLimits
  readonly keys: string[]
  readonly args: (string | number)[]
  readonly deadlineMs: number
}

interface OpenBatch extends CallBatch {
  readonly waiting: Waiting[]
  /** How many numbers the reply will hold so far. */
  size: number
}

interface Waiting {
  readonly from: number
  readonly resolve: (reply: CallReply) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the calls of one turn of the event loop.
 *
 * A server under load reads many requests in one turn; one command for all of them costs it and Redis a fraction of many.
 * A single call is sent at the end of its turn, which is at once when nothing else goes on.
 */
export class CallBatcher {
  readonly #send: SendBatch
  readonly #open = new Map<string, OpenBatch>()

  constructor(send: SendBatch) {
    this.#send = send
  }

  /**
   * Adds a call: `write` appends its keys and arguments, and answers how many numbers the reply to it has.
   *
   * @param slot calls of different slots are not gathered: what Redis Cluster would refuse.
   */
  add(slot: string, deadlineMs: number, write: (batch: CallBatch) => number): Promise<CallReply> {
    const batch = this.#batchFor(slot, deadlineMs)
    const from = batch.size
    batch.size += write(batch)
    return new Promise((resolve, reject) => {
      batch.waiting.push({ from, resolve, reject })
    })
  }

  #batchFor(slot: string, deadlineMs: number): OpenBatch {
    const open = this.#open.get(slot)
    if (open !== undefined && open.deadlineMs === deadlineMs && open.keys.length < MOST_KEYS) return open
    const batch: OpenBatch = { limits: new ScriptLimits(), keys: [], args: [], deadlineMs, waiting: [], size: HEAD }
    this.#open.set(slot, batch)
    setImmediate(() => {
      if (this.#open.get(slot) === batch) this.#open.delete(slot)
      void this.#flush(batch)
    })
    return batch
  }

  async #flush(batch: OpenBatch): Promise<void> {
    try {
      const numbers = await this.#send(batch)
      for (const { from, resolve } of batch.waiting) resolve({ numbers, from })
    } catch (error) {
      for (const { reject } of batch.waiting) reject(error)
    }
  }
}

/** The reply begins with the clock. */
const HEAD = 1

/** A script must not keep a server from its other clients for longer than about a millisecond. */
const MOST_KEYS = 128
