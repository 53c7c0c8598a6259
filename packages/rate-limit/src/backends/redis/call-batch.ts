import type { Limit } from '../../policy/limit.js'
import type { Charge, DecideOptions, Verdict } from '../../rate-limit-backend.js'

/** Has a batch decided by one command, and answers a verdict for each of its calls. */
export type DecideBatch = (batch: CallBatch) => Promise<readonly Verdict[]>

/** Calls on the same limits that were made in one turn of the event loop, to be decided by one command in their order. */
export interface CallBatch extends DecideOptions {
  readonly limits: readonly Limit[]
  readonly calls: readonly (readonly Charge[])[]
}

interface OpenBatch extends CallBatch {
  readonly slot: string
  readonly calls: (readonly Charge[])[]
  readonly waiting: Waiting[]
}

interface Waiting {
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the calls of one turn of the event loop.
 *
 * A server under load reads many requests in one turn; one command for all of them costs it and Redis a fraction of many.
 * While a command is under way, calls are gathered until the turn ends; when none is, only until whoever called yields,
 * so that a single call never waits. A full batch is sent at once: Redis works on it while the next one is gathered.
 */
export class CallBatcher {
  readonly #decide: DecideBatch
  readonly #open: OpenBatch[] = []
  #underWay = 0
  /** So many calls make the next batch full. */
  #full = FIRST_FULL

  constructor(decide: DecideBatch) {
    this.#decide = decide
  }

  /**
   * Adds a call.
   *
   * @param slot calls of different slots are not gathered: what Redis Cluster would refuse.
   */
  add(slot: string, charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
    const batch = this.#batchFor(slot, charges, options)
    batch.calls.push(charges)
    return new Promise((resolve, reject) => {
      batch.waiting.push({ resolve, reject })
      if (batch.calls.length >= this.#full || batch.calls.length * charges.length >= MOST_CHARGES) {
        this.#full = FULL
        this.#flush(batch)
      }
    })
  }

  #batchFor(slot: string, charges: readonly Charge[], options: DecideOptions): OpenBatch {
    for (const batch of this.#open) if (isFor(batch, slot, charges, options)) return batch
    if (this.#open.length >= MOST_OPEN) this.#flushAll()
    const { deadlineMs, peek } = options
    const limits = charges.map(({ limit }) => limit)
    const batch: OpenBatch = { slot, limits, deadlineMs, peek, calls: [], waiting: [] }
    if (this.#open.length === 0) {
      if (this.#underWay === 0) process.nextTick(this.#flushAll)
      else setImmediate(this.#flushAll)
    }
    this.#open.push(batch)
    return batch
  }

  readonly #flushAll = (): void => {
    this.#full = FIRST_FULL
    for (const batch of this.#open.splice(0)) void this.#ask(batch)
  }

  #flush(batch: OpenBatch): void {
    this.#open.splice(this.#open.indexOf(batch), 1)
    void this.#ask(batch)
  }

  async #ask(batch: OpenBatch): Promise<void> {
    const { waiting } = batch
    this.#underWay += 1
    try {
      const verdicts = await this.#decide(batch)
      for (let i = 0; i < waiting.length; i += 1) waiting[i]?.resolve(verdicts[i] as Verdict)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      this.#underWay -= 1
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

/** So many calls are sent at once: a command has its price, and so has Redis waiting for us and then we for it. */
const FULL = 16

/** So many charges are sent at once, however few their calls: a script keeps Redis from everything else. */
const MOST_CHARGES = 64

/** The first batch of a turn is sent sooner: Redis, which may have nothing to do, works on it while the rest is gathered. */
const FIRST_FULL = 8

/** With more plans than this in one turn, looking for the right batch costs more than a command. */
const MOST_OPEN = 16
