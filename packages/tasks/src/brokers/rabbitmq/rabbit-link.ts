import { setMaxListeners } from 'node:events'
import {
  type AvailabilityChange,
  AvailabilityFeed,
  BackendUnavailableError,
  type CallOptions,
  type Closable,
  fullJitter,
  joinWrites,
  MisconfiguredError,
  MissingDependencyError,
  sanitizeError,
  withDeadline,
} from '@plinth/core'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import { sleep } from '../../sleep.js'
import { closeChannel } from './close-channel.js'
import { NoAnswerError, noAnswer, notInTime, rabbitError, unconfirmed, unroutable } from './rabbit-errors.js'

type Amqplib = typeof import('amqplib')

/** One stretch of being connected: two connections, so that a blocked publisher does not hold up acknowledgements. */
export interface RabbitSession {
  readonly consuming: ChannelModel
  /** Confirms every message, and tells of those that no queue took. */
  readonly publishing: ConfirmChannel
  /**
   * Opens a further channel, and answers it once `prepare` is through with it. When that fails only the channel is lost;
   * after that, its loss ends the session.
   */
  channel(prepare?: (channel: Channel) => Promise<unknown>): Promise<Channel>
  /** For declarations, which close their channel when they contradict what is there. */
  scratch<Result>(work: (channel: Channel) => Promise<Result>): Promise<Result>
  /** Gives the session up; another follows. */
  end(error: unknown): void
  /** Aborts when the session is over. */
  readonly over: AbortSignal
}

/** How to reach RabbitMQ. Times in milliseconds. */
export interface RabbitLinkOptions {
  /** One node after the other is tried. */
  readonly urls: readonly string[]
  readonly connectMs: number
  readonly heartbeatSeconds: number
  /** Runs with every new session before it counts as available. */
  readonly prepare: (session: RabbitSession) => Promise<void>
}

const backoff = fullJitter({ baseMs: 100, capMs: 2000 })
/** A server that leaves a declaration without an answer for so long has to be connected to anew. */
const ANSWER_MS = 15_000
/** A refused password is tried again this rarely: it may have been changed. */
const MISTAKE_RETRY_MS = 10_000

/** Keeps a connection to RabbitMQ, for ever; what belongs to a lost one is never used with the next. */
export class RabbitLink implements Closable {
  readonly #options: RabbitLinkOptions
  readonly #feed = new AvailabilityFeed()
  readonly #down = new AbortController()
  readonly #returned = new Set<string>()
  #session: RabbitSession | undefined
  #running: Promise<void> | undefined
  #published = 0

  constructor(options: RabbitLinkOptions) {
    this.#options = options
  }

  get session(): RabbitSession | undefined {
    return this.#session
  }

  get available(): boolean {
    return this.#session !== undefined
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#feed.onChange(listener)
  }

  /** Begins to connect, if it has not. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** The session, as soon as it is known whether there is one; rejects at once while the server is away. */
  async use({ deadlineMs = 5000, signal }: CallOptions = {}): Promise<RabbitSession> {
    this.start()
    if (this.#session !== undefined) return this.#session
    if (!this.#down.signal.aborted) {
      await this.#feed.whenKnown({ timeoutMs: deadlineMs, ...(signal === undefined ? {} : { signal }) })
    }
    if (this.#session !== undefined) return this.#session
    throw this.#feed.error ?? new BackendUnavailableError('RabbitMQ is not connected.', { reason: 'closed' })
  }

  /** Waits until connected; rejects when that takes longer than the deadline, or when only a person can help. */
  async ready({ deadlineMs = 5000, signal }: CallOptions = {}): Promise<void> {
    this.start()
    const ready = await this.#feed.whenReady({ timeoutMs: deadlineMs, ...(signal === undefined ? {} : { signal }) })
    if (!ready)
      throw this.#feed.error ?? new BackendUnavailableError('RabbitMQ is not connected yet.', { reason: 'closed' })
  }

  /** Publishes and waits for the confirmation, as {@link RabbitLink.send} tells of it, until the deadline. */
  async publish(exchange: string, key: string, body: Buffer, call: CallOptions): Promise<void> {
    const session = this.#session ?? (await this.use(call))
    await inTime(this.send(session, exchange, key, body), call)
  }

  /**
   * Publishes; resolves when the message is confirmed, however late that is, and rejects when the session ends before.
   * A message that no queue took is an error (`refused`), although the server confirms it.
   */
  send(session: RabbitSession, exchange: string, key: string, body: Buffer): Promise<void> {
    this.#published += 1
    const messageId = `${this.#published}`
    return new Promise<void>((resolve, reject) => {
      const options = { messageId, mandatory: true, persistent: true }
      try {
        session.publishing.publish(exchange, key, body, options, (error: unknown) => {
          const returned = this.#returned.size > 0 && this.#returned.delete(messageId)
          if (error === null || error === undefined) returned ? reject(unroutable(key)) : resolve()
          else reject(unconfirmed(error))
        })
      } catch (error) {
        reject(
          new BackendUnavailableError('RabbitMQ took no message.', { reason: 'refused', cause: sanitizeError(error) }),
        )
      }
    })
  }

  async close(): Promise<void> {
    this.#down.abort()
    this.#feed.update(false, new BackendUnavailableError('The RabbitMQ broker was closed.', { reason: 'closed' }))
    await this.#running
  }

  async #run(): Promise<void> {
    for (let attempt = 1; !this.#down.signal.aborted; attempt += 1) {
      let wait = backoff(attempt)
      try {
        await this.#serve(attempt, () => {
          attempt = 0
        })
      } catch (error) {
        const fault = rabbitError(error)
        if (fault instanceof MisconfiguredError) wait = MISTAKE_RETRY_MS
        this.#feed.update(false, fault)
      }
      await sleep(wait, this.#down.signal)
    }
  }

  /** One session, from connecting to its end. */
  async #serve(attempt: number, connected: () => void): Promise<void> {
    const amqp = await loadAmqplib()
    const over = new AbortController()
    setMaxListeners(0, over.signal) // all that waits for an answer listens to it
    const models: ChannelModel[] = []
    const end = (error?: unknown): void => {
      if (over.signal.aborted) return
      this.#session = undefined
      over.abort()
      this.#feed.update(false, rabbitError(error ?? new Error('the connection was closed')))
    }
    const stop = (): void => end()
    this.#down.signal.addEventListener('abort', stop, { once: true })
    try {
      for (let count = 0; count < 2; count += 1) models.push(await this.#connect(amqp, attempt, over.signal, end))
      const [consuming, forPublishing] = models
      if (consuming === undefined || forPublishing === undefined) return
      const session = await this.#open(consuming, forPublishing, over.signal, end)
      await untilOver(this.#options.prepare(session), over.signal)
      if (over.signal.aborted || this.#down.signal.aborted) return
      connected()
      this.#session = session
      this.#feed.update(true)
      await new Promise<void>((resolve) => {
        over.signal.addEventListener('abort', () => resolve(), { once: true })
        if (over.signal.aborted) resolve()
      })
    } finally {
      end()
      this.#down.signal.removeEventListener('abort', stop)
      this.#returned.clear()
      await Promise.all(models.map(closeModel))
    }
  }

  async #connect(
    amqp: Amqplib,
    attempt: number,
    over: AbortSignal,
    end: (error: unknown) => void,
  ): Promise<ChannelModel> {
    const { urls, connectMs, heartbeatSeconds } = this.#options
    const url = new URL(urls[attempt % urls.length] ?? '')
    url.searchParams.set('heartbeat', String(heartbeatSeconds))
    const connecting = amqp.connect(url.toString(), { timeout: connectMs, noDelay: true })
    // The client's own timeout ends with the TCP connection: what follows needs an answer as well.
    const model = await untilOver(connecting, over, connectMs + ANSWER_MS).catch((error: unknown) => {
      connecting.then(closeModel, () => {})
      throw error
    })
    model.on('error', end)
    model.on('close', end)
    joinWrites(streamOf(model))
    return model
  }

  async #open(
    consuming: ChannelModel,
    forPublishing: ChannelModel,
    over: AbortSignal,
    end: (error: unknown) => void,
  ): Promise<RabbitSession> {
    const watch = <Kind extends Channel>(channel: Kind): Kind => {
      channel.on('error', end)
      channel.on('close', end)
      return channel
    }
    const answered = <Result>(work: Promise<Result>): Promise<Result> =>
      untilOver(work, over, ANSWER_MS).catch((error: unknown) => {
        if (error instanceof NoAnswerError) end(error)
        throw error
      })
    const publishing = watch(await answered(forPublishing.createConfirmChannel()))
    publishing.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)))
    return {
      consuming,
      publishing,
      over,
      end,
      channel: async (prepare) => {
        const channel = await answered(openChannel(consuming))
        try {
          if (prepare !== undefined) await answered(prepare(channel))
          return watch(channel)
        } catch (error) {
          await closeChannel(channel)
          throw rabbitError(error)
        }
      },
      scratch: async (work) => {
        const channel = await answered(openChannel(consuming))
        try {
          return await answered(work(channel))
        } catch (error) {
          throw rabbitError(error)
        } finally {
          await closeChannel(channel)
        }
      },
    }
  }
}

/** Opens a channel whose failures reject what was asked of it, and go nowhere else. */
async function openChannel(model: ChannelModel): Promise<Channel> {
  try {
    const channel = await model.createChannel()
    channel.on('error', () => {})
    return channel
  } catch (error) {
    throw rabbitError(error)
  }
}

/** Waits for the server no longer than the session lasts. */
function untilOver<Result>(work: Promise<Result>, over: AbortSignal, deadlineMs?: number): Promise<Result> {
  return withDeadline(work, { deadlineMs, signal: over, onDeadline: noAnswer })
}

/** Waits for a confirmation no longer than the deadline. */
export function inTime(confirmed: Promise<void>, call: CallOptions): Promise<void> {
  return withDeadline(confirmed, { deadlineMs: call.deadlineMs, signal: call.signal, onDeadline: notInTime })
}

let amqplib: Promise<Amqplib> | undefined

function loadAmqplib(): Promise<Amqplib> {
  amqplib ??= import('amqplib').catch((error: unknown) => {
    amqplib = undefined
    throw new MissingDependencyError('The RabbitMQ broker', ['amqplib'], error)
  })
  return amqplib
}

async function closeModel(model: ChannelModel): Promise<void> {
  const closing = Promise.resolve().then(() => model.close())
  await withDeadline(closing, { deadlineMs: 1000, onDeadline: noAnswer }).catch(() => {
    // A peer that does not answer would be waited for until its heartbeat fails; without an error amqplib's timers would go on.
    streamOf(model)?.destroy(new Error('RabbitMQ did not answer in time.'))
  })
}

/** The socket under a connection, which amqplib does not declare. */
function streamOf(model: ChannelModel): { destroy(error: Error): void } | undefined {
  return (model.connection as unknown as { readonly stream?: { destroy(error: Error): void } }).stream
}
