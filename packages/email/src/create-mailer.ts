import { randomUUID } from 'node:crypto'
import { parseDuration } from '@plinth/config/units'
import { silentLogger, systemClock } from '@plinth/core'
import { asEmailError, Composer } from './composer.js'
import { BulkCourier } from './delivery/bulk-courier.js'
import { Claims } from './delivery/claims.js'
import { Courier } from './delivery/courier.js'
import { InFlight } from './delivery/in-flight.js'
import { Ledger } from './delivery/ledger.js'
import { attemptLimits } from './delivery/limits.js'
import { type QueuedOutcome, QueuedSends, type Waiting } from './delivery/queued-sends.js'
import { Reporter } from './delivery/reporter.js'
import { sendChannel } from './email-channels.js'
import { EmailError } from './email-error.js'
import type { QueuedEmail } from './email-queue.js'
import type {
  BulkMessage,
  BulkResult,
  DeliveryOptions,
  Mailer,
  SendManyOptions,
  SendOptions,
  TemplateMessage,
  WrittenMessage,
} from './mailer.js'
import type { CreateMailerOptions } from './mailer-options.js'
import { parseRecipients } from './message/address.js'
import type { Message, MessageContent } from './message/message.js'
import { messageFromJson } from './message/message-json.js'
import type { DeliveryResult, SendResult } from './send-result.js'
import { boundedSendLog, boundedStore, boundedSuppressions } from './stores/bounded-store.js'
import { memoryStore } from './stores/memory-store.js'
import { storedSuppressionList } from './stores/suppression-list.js'
import type { EmailTemplate } from './templates/template.js'
import type { EmailTransport } from './transport.js'
import type { EmailEvent } from './webhooks/email-event.js'

/**
 * Gives a mailer over a transport. No I/O, no timers.
 *
 * @throws EmailError of kind `invalid` when the sender is not an address, and `ConfigError` for a bad duration.
 */
export function createMailer(options: CreateMailerOptions): Mailer {
  return new TransportMailer(options)
}

/** How many messages of a bulk send are in memory at a time. */
const WINDOW = 500
const DEFAULT_TIMEOUT_MS = 30_000
/** How much longer than its timeout an attempt may hold its key before it counts as dead. */
const LEASE_MARGIN_MS = 5_000

class TransportMailer implements Mailer {
  readonly #transport: EmailTransport
  readonly #queue: QueuedSends | 'direct' | undefined
  readonly #composer: Composer
  readonly #courier: Courier
  readonly #bulk: BulkCourier
  readonly #reporter: Reporter
  readonly #limits: { readonly timeoutMs: number; readonly retries: number }
  readonly #inFlight = new InFlight()
  #closing: Promise<void> | undefined

  constructor(options: CreateMailerOptions) {
    const clock = options.clock ?? systemClock
    const logger = options.logger ?? silentLogger
    const timeoutMs = parseDuration(options.timeout ?? DEFAULT_TIMEOUT_MS, 'timeout of the mailer')
    this.#transport = options.transport
    this.#limits = { timeoutMs, retries: options.retries ?? 3 }
    this.#composer = new Composer(options, clock)

    const onTrouble = (error: unknown): void =>
      logger.warn({ component: 'email', err: error }, 'email: a store did not answer; sending goes on without it')
    const store = options.store === undefined ? memoryStore({ clock }) : boundedStore(options.store)
    const suppressions = boundedSuppressions(options.suppressions ?? storedSuppressionList(store))
    const sendLog = options.sendLog === undefined ? undefined : boundedSendLog(options.sendLog)
    const leaseMs = timeoutMs + LEASE_MARGIN_MS
    const local = new Ledger(options.store === undefined ? store : memoryStore({ clock }), clock, leaseMs)
    const shared = options.store === undefined ? undefined : new Ledger(store, clock, leaseMs)
    const intercepted = parseRecipients(options.interceptTo, 'interceptTo')
    this.#courier = new Courier({
      transport: options.transport,
      claims: new Claims(local, shared, onTrouble),
      suppressions,
      routing: { interceptTo: intercepted.length === 0 ? undefined : intercepted, allowList: options.allowList },
      clock,
      onTrouble,
    })
    this.#bulk = new BulkCourier(this.#courier, options.transport)
    this.#reporter = new Reporter({ sendLog, suppressions, store, clock, onTrouble })
    const { queue } = options
    this.#queue = queue === undefined || queue === 'direct' ? queue : new QueuedSends(queue, this.#reporter)
  }

  get transport(): string {
    return this.#transport.name
  }

  get canDeliver(): boolean {
    return this.#transport.delivers
  }

  send<Props>(
    template: EmailTemplate<Props>,
    message: TemplateMessage<Props>,
    options: SendOptions = {},
  ): Promise<SendResult> {
    return this.#traced(template.name, options, () =>
      this.#dispatch(() => this.#composer.fromTemplate(template, message, options.stream), options),
    )
  }

  sendMessage(message: WrittenMessage, options: SendOptions = {}): Promise<SendResult> {
    return this.#traced('(written)', options, () =>
      this.#dispatch(async () => this.#composer.written(message, options.stream), options),
    )
  }

  async sendMany<Props>(
    template: EmailTemplate<Props>,
    messages: Iterable<BulkMessage<Props>> | AsyncIterable<BulkMessage<Props>>,
    options: SendManyOptions = {},
  ): Promise<readonly BulkResult[]> {
    return this.#traced(template.name, options, async () => {
      const results: BulkResult[] = []
      let failed = 0
      for await (const window of windows(messages, WINDOW)) {
        for (const result of await this.#sendWindow(template, window, options)) {
          results.push(result)
          if (result.status === 'failed') failed++
        }
        options.onProgress?.({ done: results.length, failed })
      }
      return results
    })
  }

  preview<Props>(template: EmailTemplate<Props>, props: Props = template.example): Promise<MessageContent> {
    return this.#composer.render(template, props, undefined)
  }

  async deliver(
    job: QueuedEmail,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<DeliveryResult> {
    if (job.version !== 1)
      throw new EmailError('invalid', 'The email was refused: the queue holds a form not known here.')
    const message = messageFromJson(job.message)
    return this.#inFlight.run(() => this.#deliver(job.id, message, job.key, options))
  }

  report(event: EmailEvent, handle?: (event: EmailEvent) => unknown): Promise<boolean> {
    return this.#reporter.take(event, handle)
  }

  async verify(signal?: AbortSignal): Promise<void> {
    await this.#transport.verify?.(attemptLimits({ signal }, this.#limits).signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#inFlight.settled().then(() => this.#transport.close())
    return this.#closing
  }

  #traced<Result>(template: string, options: DeliveryOptions, work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    const run = (): Promise<Result> => this.#inFlight.run(work)
    if (!sendChannel.hasSubscribers) return run()
    return sendChannel.tracePromise(run, {
      template,
      transport: this.#transport.name,
      queued: this.#waits(options),
    })
  }

  /** Whether a send shall wait in the queue instead of going out now. */
  #waits(options: DeliveryOptions): boolean {
    return options.queue === true && this.#queue !== 'direct'
  }

  async #dispatch(compose: () => Promise<Message>, options: SendOptions): Promise<SendResult> {
    const message = await compose()
    const key = checkKey(options.idempotencyKey)
    const id = randomUUID()
    if (!this.#waits(options)) return this.#deliver(id, message, key, options)
    const [outcome = noQueue()] = await this.#enqueue([{ id, message, key }], options)
    if (outcome instanceof EmailError) throw outcome
    return outcome
  }

  async #deliver(
    id: string,
    message: Message,
    key: string | undefined,
    options: Pick<SendOptions, 'timeout' | 'signal'>,
  ): Promise<DeliveryResult> {
    try {
      const result = await this.#courier.deliver(message, key, attemptLimits(options, this.#limits))
      await this.#reporter.recordResult(id, message, result)
      return result
    } catch (error) {
      await this.#reporter.record(id, message, 'failed')
      throw error
    }
  }

  async #enqueue(waiting: readonly Waiting[], options: DeliveryOptions): Promise<readonly QueuedOutcome[]> {
    if (this.#queue === undefined || this.#queue === 'direct') throw noQueue()
    const delayMs = parseDuration(options.delay ?? 0, 'delay of an email')
    return this.#queue.add(waiting, { priority: options.priority ?? 'normal', delayMs })
  }

  async #sendWindow<Props>(
    template: EmailTemplate<Props>,
    window: readonly BulkMessage<Props>[],
    options: SendManyOptions,
  ): Promise<readonly BulkResult[]> {
    const results: BulkResult[] = []
    const composed: (Waiting & { readonly index: number })[] = []
    for (const [index, bulk] of window.entries()) {
      try {
        const message = await this.#composer.fromTemplate(template, bulk, options.stream)
        composed.push({ index, id: randomUUID(), message, key: checkKey(bulk.idempotencyKey) })
      } catch (error) {
        results[index] = { status: 'failed', error: asEmailError(error, `Rendering template "${template.name}"`) }
      }
    }
    if (this.#waits(options)) {
      const outcomes = await this.#enqueue(composed, options)
      for (const [position, { index }] of composed.entries()) {
        const outcome = outcomes[position]
        if (outcome !== undefined)
          results[index] = outcome instanceof EmailError ? { status: 'failed', error: outcome } : outcome
      }
      return results
    }
    const outcomes = await this.#bulk.deliver(composed, () => attemptLimits(options, this.#limits))
    for (const [position, outcome] of outcomes.entries()) {
      const entry = composed[position]
      if (entry === undefined) continue
      if (outcome.status === 'failed') {
        await this.#reporter.record(entry.id, entry.message, 'failed')
        results[entry.index] = { status: 'failed', error: asEmailError(outcome.error, 'Sending the email') }
      } else {
        await this.#reporter.recordResult(entry.id, entry.message, outcome)
        results[entry.index] = outcome
      }
    }
    return results
  }
}

function checkKey(key: string | undefined): string | undefined {
  if (key === undefined || (key !== '' && key.length <= 500)) return key
  throw new EmailError('invalid', 'The email was refused: idempotencyKey must be 1 to 500 characters.')
}

function closed(): EmailError {
  return new EmailError('unavailable', 'The mailer is closed.', { retryable: false })
}

function noQueue(): EmailError {
  return new EmailError('config', 'This mailer has no queue. Give createMailer a queue, or send without queue: true.')
}

async function* windows<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  size: number,
): AsyncGenerator<readonly Item[]> {
  let window: Item[] = []
  for await (const item of items) {
    window.push(item)
    if (window.length < size) continue
    yield window
    window = []
  }
  if (window.length > 0) yield window
}
