import type { Message } from '../message/message.js'
import type { DeliveryResult } from '../send-result.js'
import type { BatchItem, Delivery, EmailTransport, TransportBatch } from '../transport.js'
import { type AttemptLimits, withRetries } from './attempts.js'
import type { Admitted, Courier } from './courier.js'
import { hashKey } from './ledger.js'
import { mapConcurrently } from './map-concurrently.js'

/** One message of a bulk send. */
export interface BulkItem {
  readonly message: Message
  readonly key: string | undefined
}

/** What became of one message of a bulk send. */
export type BulkOutcome = DeliveryResult | { readonly status: 'failed'; readonly error: unknown }

/** How many messages go out at once through a transport that sends one at a time. */
const CONCURRENCY = 5
/** How many questions to the store are under way at once. */
const STORE_CONCURRENCY = 20

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
    const { firsts, repeats } = partByKey(items)
    const outcomes: BulkOutcome[] = []
    const admitted: { readonly index: number; readonly admission: Admitted; readonly item: BatchItem }[] = []
    const admissions = await mapConcurrently(firsts, STORE_CONCURRENCY, ({ item }) => this.#admit(item, limits))
    for (const [position, { index, item }] of firsts.entries()) {
      const admission = admissions[position]
      if (admission === undefined) continue
      if (admission.kind !== 'admitted') outcomes[index] = admission.result
      else admitted.push({ index, admission, item: batchItem(admission.message, item.key) })
    }
    let sent = 0
    for (const run of batch.split(admitted.map(({ item }) => item))) {
      const entries = admitted.slice(sent, sent + run.length)
      sent += run.length
      const answers = await this.#sendRun(batch, run, limits)
      await mapConcurrently(entries, STORE_CONCURRENCY, async ({ index, admission }, position) => {
        outcomes[index] = await this.#conclude(admission, answers[position])
      })
    }
    for (const { index, item } of repeats) {
      outcomes[index] = await orFailed(async () => this.#courier.deliver(item.message, item.key, limits()))
    }
    return outcomes
  }

  async #admit(
    { message, key }: BulkItem,
    limits: () => AttemptLimits,
  ): Promise<Admitted | { readonly kind: 'skipped' | 'failed'; readonly result: BulkOutcome }> {
    try {
      return await this.#courier.admit(message, key, limits())
    } catch (error) {
      return { kind: 'failed', result: { status: 'failed', error } }
    }
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

interface Numbered {
  readonly index: number
  readonly item: BulkItem
}

/** Parts the items whose key came before in the list: they wait for the first, and so cannot go out with it. */
function partByKey(items: readonly BulkItem[]): {
  readonly firsts: readonly Numbered[]
  readonly repeats: readonly Numbered[]
} {
  const seen = new Set<string>()
  const firsts: Numbered[] = []
  const repeats: Numbered[] = []
  for (const [index, item] of items.entries()) {
    const repeated = item.key !== undefined && seen.has(item.key)
    if (item.key !== undefined) seen.add(item.key)
    const list = repeated ? repeats : firsts
    list.push({ index, item })
  }
  return { firsts, repeats }
}

function batchItem(message: Message, key: string | undefined): BatchItem {
  return { message, key: key === undefined ? undefined : hashKey(key) }
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
