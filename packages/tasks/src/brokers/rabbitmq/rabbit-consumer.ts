import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { BackendUnavailableError, withDeadline } from '@plinth/core'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { ConsumeOptions, TaskConsumer } from '../../broker.js'
import { dedupeScope } from '../../dedupe-scope.js'
import { LANES } from '../../lane.js'
import type { Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { spendsAttempt } from '../../spends-attempt.js'
import { systemTaskClock } from '../../task-clock.js'
import { closeChannel } from './close-channel.js'
import { type Ending, endOf, endOfUnreadable } from './ending.js'
import { acknowledge, cameBack, type Held, putBack, type Receipt, tagOf } from './held.js'
import type { LedgerEntry } from './ledger-entry.js'
import { decodeEnvelope, type Envelope } from './rabbit-codec.js'
import { RabbitDelivery } from './rabbit-delivery.js'
import { RabbitLanes } from './rabbit-lanes.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'
import { laneQueue, type RabbitQueues, suspectsQueue } from './rabbit-queues.js'
import type { RabbitView } from './rabbit-view.js'

/** How long a server may take to stop delivering: what still comes after that is handed back. */
const CANCEL_MS = 2000

/** What a consumer needs of its broker. */
export interface RabbitConsumerHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly ledger: RabbitLedger
  readonly view: RabbitView
  /** Stores a message in its lane, `delayMs` from now. */
  readonly store: (envelope: Envelope, delayMs: number) => Promise<void>
  readonly suspect: (envelope: Envelope) => Promise<void>
}

/** How long after a worker could not take from its queues it tries again. */
const ATTACH_AGAIN_MS = 1000

/** How long a message is kept whose outcome the broker refuses, before it goes back to its queue. */
const GIVE_BACK_MS = 1000

/** The key of the board under which a queue is paused. */
export function pausedKey(queue: string): string {
  return `queue-paused:${queue}`
}

/** Takes messages from the lanes of some queues, hands them out by weight, and settles them. */
export class RabbitConsumer implements TaskConsumer {
  readonly #host: RabbitConsumerHost
  readonly #options: ConsumeOptions
  readonly #lanes: RabbitLanes
  readonly #suspects: Held[] = []
  readonly #running = new Map<string, Held>()
  /** Tasks that have ended here, until their end is read in the ledger: a second copy may be at hand already. */
  readonly #ended = new Set<string>()
  readonly #down = new AbortController()
  readonly #off: (() => void)[] = []
  readonly #name = randomUUID()
  #settling = 0
  #arrivals = 0
  #solo = false
  #taking = true
  #channel: Channel | undefined
  /** The last channel that was opened; it outlives {@link #channel} until what it brought is settled. */
  #opened: Channel | undefined
  /** Whether everything has been read that was written before this consumer began to take: nothing is started before. */
  #current = false
  #closing: Promise<void> | undefined

  constructor(host: RabbitConsumerHost, options: ConsumeOptions) {
    this.#host = host
    this.#options = options
    setMaxListeners(0, this.#down.signal) // every task that cannot be settled yet waits for it
    const paused = (queue: string): boolean => host.view.board.has(pausedKey(queue))
    this.#lanes = new RabbitLanes(options, paused, () => this.#pump())
  }

  /** Begins with the session that is there, and again with every later one. */
  start(): void {
    const { link, view } = this.#host
    this.#off.push(
      link.onChange(({ available }) => {
        if (available) void this.#attach()
      }),
      view.onEntry((entry) => this.#heard(entry)),
    )
    link.start()
    if (link.available) void this.#attach()
  }

  async stop(): Promise<void> {
    this.#taking = false
    const channel = this.#channel
    this.#channel = undefined
    if (channel === undefined) return
    const names = this.#options.queues.flatMap(queueNames)
    const cancelled = Promise.allSettled(names.map(async (name) => channel.cancel(tagOf(name))))
    const onDeadline = (): Error => new BackendUnavailableError('RabbitMQ did not answer.', { reason: 'deadline' })
    await withDeadline(cancelled, { deadlineMs: CANCEL_MS, onDeadline }).catch(() => {}) // its session is over
  }

  close(deadlineMs = 5000): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    const end = systemTaskClock.elapsed() + deadlineMs
    await this.stop()
    const unstarted = [...this.#lanes.takeAll(), ...this.#suspects.splice(0)]
    await Promise.all(unstarted.map((held) => this.#settle(held, { kind: 'released' })))
    while (this.#running.size + this.#settling > 0 && systemTaskClock.elapsed() < end) await sleep(5)
    this.#down.abort()
    for (const off of this.#off) off()
    if (this.#opened !== undefined) await closeChannel(this.#opened)
  }

  async #attach(): Promise<void> {
    const { link, queues } = this.#host
    const session = link.session
    if (session === undefined || !this.#taking) return
    // What a lost session brought comes again: only what runs goes on.
    this.#lanes.reset()
    this.#suspects.length = 0
    this.#ended.clear()
    this.#current = false
    try {
      for (const queue of this.#options.queues) await queues.queue(session, queue)
      const channel = await session.channel()
      this.#opened = channel
      if (!this.#taking) {
        await closeChannel(channel)
        return
      }
      this.#channel = channel
      for (const queue of this.#options.queues) {
        await channel.prefetch(this.#options.concurrency)
        for (const lane of LANES) await this.#consume(session, channel, laneQueue(queue, lane), false)
        await channel.prefetch(1)
        await this.#consume(session, channel, suspectsQueue(queue), true)
      }
      await this.#surely(() => this.#host.ledger.sync({}))
      if (this.#channel !== channel) return // a later session's, or stopped
      this.#current = true
      this.#pump()
    } catch (error) {
      if (session.over.aborted || !this.#taking) return // the next session is attached to, if any
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
      await sleep(ATTACH_AGAIN_MS, session.over)
      if (!session.over.aborted) void this.#attach()
    }
  }

  async #consume(session: RabbitSession, channel: Channel, name: string, suspects: boolean): Promise<void> {
    await channel.consume(
      name,
      (raw) => {
        if (raw !== null) this.#received({ raw, channel, session, suspects })
        else this.#options.onError(new Error(`Queue ${name} was deleted while a worker consumed it.`))
      },
      { consumerTag: tagOf(name) },
    )
  }

  #received(from: { raw: ConsumeMessage; channel: Channel; session: RabbitSession; suspects: boolean }): void {
    const { raw, channel, session, suspects } = from
    this.#lanes.arrived(raw.fields.consumerTag ?? '')
    const envelope = decodeEnvelope(raw)
    if (envelope === undefined) {
      void this.#bury(from)
      return
    }
    const held: Held = {
      envelope,
      suspect: suspects,
      arrival: this.#arrivals++,
      raw,
      channel,
      session,
      progress: undefined,
      start: undefined,
    }
    if (this.#isCopy(held)) return
    if (!this.#taking) void this.#settle(held, { kind: 'released' })
    else if (!suspects && cameBack(raw)) void this.#setAside(held)
    else {
      if (suspects) this.#suspects.push(held)
      else this.#lanes.push(held)
      this.#pump()
    }
  }

  /**
   * Whether a message is one that runs here, or that has ended: what comes again after a break of the connection, and what
   * was published twice because the first confirmation was lost. It is dealt with then.
   */
  #isCopy(held: Held): boolean {
    const { message, replayed } = held.envelope
    const running = this.#running.get(message.id)
    if (running === undefined) {
      const hasEnded = this.#ended.has(message.id) || this.#host.view.ended(message.id) !== undefined
      if (replayed === true || !hasEnded) return false
      this.#acknowledge(held)
      return true
    }
    const { raw, channel, session } = held
    // After a break the run goes on with the new delivery; a second message of the same session is not needed.
    if (running.session === session) this.#acknowledge(held)
    else Object.assign(running, { raw, channel, session })
    return true
  }

  /** A message that a process may have died with goes to a queue of its own, in which every start is counted. */
  async #setAside(held: Held): Promise<void> {
    if (await this.#surely(() => this.#host.suspect(held.envelope))) this.#acknowledge(held)
    else await this.#giveBack(held)
  }

  async #bury(from: Receipt): Promise<void> {
    const end = endOfUnreadable(from.raw, systemTaskClock.now())
    if (await this.#surely(() => this.#host.ledger.append(end))) this.#acknowledge(from)
    else await this.#giveBack(from)
  }

  /** What became of a message cannot be stored: it goes back to its queue, and comes again. */
  async #giveBack(held: Receipt & Partial<Pick<Held, 'envelope' | 'start'>>): Promise<void> {
    const { envelope, start } = held
    await sleep(GIVE_BACK_MS, this.#down.signal)
    if (envelope !== undefined) {
      const { id } = envelope.message
      this.#ended.delete(id)
      if (start !== undefined) this.#say({ t: 'unsolo', id, start })
    }
    if (putBack(held)) this.#lanes.acknowledged(held.raw.fields.consumerTag ?? '')
  }

  #acknowledge(held: Receipt): void {
    if (acknowledge(held)) this.#lanes.acknowledged(held.raw.fields.consumerTag ?? '')
  }

  #pump(): void {
    while (this.#taking && this.#current && !this.#solo) {
      if (this.#suspects.length > 0) {
        if (this.#running.size > 0) return
        this.#startAlone()
        return
      }
      if (this.#running.size >= this.#options.concurrency) return
      const held = this.#lanes.next()
      if (held === undefined) return
      if (!this.#isCopy(held)) void this.#run(held)
    }
  }

  #startAlone(): void {
    const held = this.#suspects.shift()
    if (held === undefined) return
    if (this.#isCopy(held)) {
      this.#pump()
      return
    }
    this.#solo = true
    void this.#runAlone(held).finally(() => {
      this.#solo = false
      this.#pump()
    })
  }

  async #runAlone(held: Held): Promise<void> {
    const { message } = held.envelope
    const start = randomUUID()
    let starts = 0
    // Written down before it starts: the server counts deliveries, also of what was never started.
    const isWritten = await this.#surely(async () => {
      starts = await this.#host.ledger.decide<number>({ t: 'solo', id: message.id, start }, {})
    })
    if (this.#down.signal.aborted) return
    if (!isWritten) return this.#giveBack(held)
    // Now everything is known that was written before, so also whether a copy of it has ended meanwhile.
    if (this.#isCopy(held)) return
    held.start = start
    if (starts <= this.#options.crashBudget) return this.#run(held)
    const text = `Task "${message.task}" brought down its process ${starts - 1} times while running alone.`
    await this.#settle(held, { kind: 'dead', reason: 'crash', failure: { name: 'Crash', message: text } })
  }

  async #run(held: Held): Promise<void> {
    const { message } = held.envelope
    const { view } = this.#host
    this.#running.set(message.id, held)
    const cancelled = (): Outcome | undefined =>
      view.cancelled.has(message.id) ? { kind: 'cancelled', reason: view.cancelled.get(message.id) } : undefined
    const outcome = cancelled() ?? (await this.#handle(held))
    // What was cancelled in the moment it was given up goes nowhere else.
    const isOver = outcome.kind === 'completed' || outcome.kind === 'dead'
    await this.#settle(held, isOver ? outcome : (cancelled() ?? outcome))
    this.#running.delete(message.id)
    this.#pump()
  }

  async #handle(held: Held): Promise<Outcome> {
    const { message } = held.envelope
    const now = systemTaskClock.now()
    if (message.dueAt !== undefined && message.dueAt > now) return { kind: 'later', delayMs: message.dueAt - now }
    const unique = message.dedupe?.unique
    if (unique?.while === 'pending') {
      const scopes = [dedupeScope('u', message, unique.key)]
      await this.#host.ledger.append({ t: 'release', id: message.id, scopes }).catch(() => {}) // its end releases it too
    }
    return this.#options.handle(new RabbitDelivery(held, this.#host))
  }

  /** Makes an outcome durable, and only then acknowledges the delivery. */
  async #settle(held: Held, outcome: Outcome): Promise<void> {
    this.#settling += 1
    const { envelope } = held
    const made = envelope.made + (spendsAttempt(outcome) ? 1 : 0)
    const isStored = await this.#surely(() => this.#store(held, { ...envelope, made }, outcome))
    if (isStored) this.#acknowledge(held)
    else if (!this.#down.signal.aborted) await this.#giveBack(held)
    this.#settling -= 1
  }

  async #store(held: Held, envelope: Envelope, outcome: Outcome): Promise<void> {
    const { message } = envelope
    const { start } = held
    const { ledger, store } = this.#host
    switch (outcome.kind) {
      case 'completed': {
        const quiet = message.keepResultMs === 0 && message.dedupe === undefined
        return quiet ? undefined : this.#end(envelope, outcome)
      }
      case 'dead':
      case 'cancelled':
        return this.#end(envelope, outcome)
      case 'later': {
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id })
        const parked = outcome.parkedAt === undefined ? message : { ...message, parkedAt: outcome.parkedAt }
        return store({ ...envelope, message: parked }, outcome.delayMs)
      }
      case 'retry':
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id })
        return store(envelope, outcome.delayMs)
      default:
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id, start })
        return held.suspect ? this.#host.suspect(envelope) : store(envelope, 0)
    }
  }

  #end(envelope: Envelope, outcome: Ending): Promise<void> {
    this.#ended.add(envelope.message.id)
    return this.#host.ledger.append(endOf(envelope, outcome, systemTaskClock.now()))
  }

  /** Tries until it is done, and answers whether it was: an outage is waited for, what the broker refuses is told of and left. */
  async #surely(work: () => Promise<void>): Promise<boolean> {
    for (let attempt = 0; !this.#down.signal.aborted; attempt += 1) {
      try {
        await work()
        return true
      } catch (error) {
        const outage = error instanceof BackendUnavailableError
        if (!outage) this.#options.onError(error instanceof Error ? error : new Error(String(error)))
        if (!outage && attempt >= 3) return false
        await sleep(Math.min(1000, 50 * 2 ** attempt), this.#down.signal)
      }
    }
    return false
  }

  #heard(entry: LedgerEntry): void {
    if (entry.t === 'end') this.#ended.delete(entry.id)
    if (entry.t === 'set') {
      this.#pump()
      return
    }
    if (entry.t !== 'cancel' && entry.t !== 'ask') return
    const held = this.#running.get(entry.id)
    if (held === undefined) {
      if (this.#isTakingFrom(entry.queue)) this.#say({ t: 'heard', id: entry.id, by: this.#name })
      return
    }
    const { message, made } = held.envelope
    const { progress } = held
    this.#say({
      t: 'running',
      id: message.id,
      by: this.#name,
      attempt: made + 1,
      task: message.task,
      queue: message.queue,
      ...(progress === undefined ? {} : { progress }),
    })
    if (entry.t === 'cancel') this.#options.interrupt(entry.id, 'cancelled', entry.reason)
  }

  /** While a session catches up it reads questions of long ago. */
  #isTakingFrom(queue: string): boolean {
    return this.#channel !== undefined && this.#host.link.available && this.#options.queues.includes(queue)
  }

  #say(answer: LedgerEntry): void {
    this.#host.ledger.append(answer).catch(() => {}) // whoever asked waits no longer than it must
  }
}

function queueNames(queue: string): readonly string[] {
  return [...LANES.map((lane) => laneQueue(queue, lane)), suspectsQueue(queue)]
}
