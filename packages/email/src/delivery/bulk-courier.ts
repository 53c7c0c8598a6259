import type { Message } from '../message/message.js'
import type { DeliveryResult } from '../send-result.js'
import type { BatchItem, Delivery, EmailTransport, TransportBatch } from '../transport.js'
import { type AttemptLimits, withRetries } from './attempts.js'
import type { Admitted, Courier } from './courier.js'
import { hashKey } from './ledger.js'

/** One message of a bulk send. */
export interface BulkItem {
  readonly message: Message
  readonly key: string | undefined
}

/** What became of one message of a bulk send. */
export type BulkOutcome = DeliveryResult | { readonly status: 'failed'; readonly error: unknown }

/** How many messages go out at once through a transport that sends one at a time. */
const CONCURRENCY = 5

/** Takes many messages all the way, in as few requests as the transport can; every message has its own outcome. */
export class BulkCourier {
  readonly #courier: Courier
  readonly #transport: EmailTransport

  constructor(courier: Courier, transport: EmailTransport) {
    this.#courier = courier
    this.#transport = transport
  }

  /** @param limits gives fresh limits for each request. */
  async deliver(items: readonly BulkItem[], limits: () => AttemptLimits): Promise<readonly BulkOutcome[]> {
    const { batch } = this.#transport
    if (batch !== undefined) return this.#inBatches(batch, items, limits)
    return mapConcurrently(items, CONCURRENCY, ({ message, key }) =>
      orFailed(async () => this.#courier.deliver(message, key, limits())),
    )
  }

  async #inBatches(
    batch: TransportBatch,
    items: readonly BulkItem[],
    limits: () => AttemptLimits,
  ): Promise<readonly BulkOutcome[]> {
    const outcomes: BulkOutcome[] = []
    const admitted: { readonly index: number; readonly admission: Admitted; readonly item: BatchItem }[] = []
    for (const [index, { message, key }] of items.entries()) {
      try {
        const admission = await this.#courier.admit(message, key, limits())
        if (admission.kind === 'skipped') outcomes[index] = admission.result
        else {
          const item = { message: admission.message, key: key === undefined ? undefined : hashKey(key) }
          admitted.push({ index, admission, item })
        }
      } catch (error) {
        outcomes[index] = { status: 'failed', error }
      }
    }
    let next = 0
    for (const run of batch.split(admitted.map(({ item }) => item))) {
      const answers = await this.#sendRun(batch, run, limits)
      for (const answer of answers) {
        const entry = admitted[next++]
        if (entry !== undefined) outcomes[entry.index] = await this.#conclude(entry.admission, answer)
      }
    }
    return outcomes
  }

  async #sendRun(
    batch: TransportBatch,
    run: readonly BatchItem[],
    limits: () => AttemptLimits,
  ): Promise<readonly unknown[]> {
    try {
      const bounds = limits()
      return await withRetries(() => batch.send(run, bounds.signal), bounds)
    } catch (error) {
      return run.map(() => error)
    }
  }

  #conclude(admission: Admitted, answer: unknown): Promise<BulkOutcome> {
    return orFailed(() =>
      isDelivery(answer) ? this.#courier.settle(admission, answer) : this.#courier.refuse(admission, answer),
    )
  }
}

function isDelivery(answer: unknown): answer is Delivery {
  return !(answer instanceof Error)
}

async function orFailed(work: () => Promise<DeliveryResult>): Promise<BulkOutcome> {
  try {
    return await work()
  } catch (error) {
    return { status: 'failed', error }
  }
}

/** Maps a list with at most `concurrency` calls at a time; the answers stand in the order of the list. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane))
  return results
}
