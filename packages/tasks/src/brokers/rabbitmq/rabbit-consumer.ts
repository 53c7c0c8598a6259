import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { ConsumeOptions, TaskConsumer } from '../../broker.js'
import { convict } from '../../convict.js'
import { dedupeScope } from '../../dedupe-scope.js'
import type { Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { cameBack, type Held, type Receipt } from './held.js'
import type { LedgerEntry } from './ledger-entry.js'
import { decodeEnvelope, type Envelope } from './rabbit-codec.js'
import { RabbitDelivery } from './rabbit-delivery.js'
import { RabbitIntake } from './rabbit-intake.js'
import { RabbitLanes } from './rabbit-lanes.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import type { RabbitLink } from './rabbit-link.js'
import { RabbitOutcomes } from './rabbit-outcomes.js'
import type { RabbitQueues } from './rabbit-queues.js'
import type { RabbitView } from './rabbit-view.js'
import { type Persistence, surely } from './surely.js'

/** What a consumer needs of its broker. */
export interface RabbitConsumerHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly ledger: RabbitLedger
  readonly view: RabbitView
  /** Stores a message in its lane, `delayMs` from now. */
  readonly store: (envelope: Envelope, delayMs: number) => Promise<void>
  /** Stores a message in the queue of those that are run alone. */
  readonly suspect: (envelope: Envelope) => Promise<void>
}

/** The key of the board under which a queue is paused. */
export function pausedKey(queue: string): string {
  return `queue-paused:${queue}`
}

/** Runs the messages of some queues: hands them out by weight, suspects alone, and answers who asks for them. */
export class RabbitConsumer implements TaskConsumer {
  readonly #host: RabbitConsumerHost
  readonly #options: ConsumeOptions
  readonly #intake: RabbitIntake
  readonly #lanes: RabbitLanes
  readonly #outcomes: RabbitOutcomes
  readonly #persistence: Persistence
  readonly #suspects: Held[] = []
  readonly #running = new Map<string, Held>()
  /** What runs have put back and is here again before they are over, by the id of the task. */
  readonly #early = new Map<string, Held>()
  readonly #down = new AbortController()
  readonly #name = randomUUID()
  #off: (() => void) | undefined
  #arrivals = 0
  #solo = false
  #closing: Promise<void> | undefined

  constructor(host: RabbitConsumerHost, options: ConsumeOptions) {
    this.#host = host
    this.#options = options
    setMaxListeners(0, this.#down.signal) // every task that cannot be settled yet waits for it
    const paused = (queue: string): boolean => host.view.board.has(pausedKey(queue))
    this.#lanes = new RabbitLanes(options, paused, () => this.#pump())
    this.#persistence = { down: this.#down.signal, onError: options.onError }
    this.#outcomes = new RabbitOutcomes({
      ...host,
      persistence: this.#persistence,
      acknowledged: ({ raw }) => this.#lanes.acknowledged(raw.fields.consumerTag ?? ''),
    })
    this.#intake = new RabbitIntake(
      {
        ...host,
        persistence: this.#persistence,
        renewed: () => this.#forgetUnstarted(),
        received: (receipt, suspect) => this.#received(receipt, suspect),
        ready: () => this.#pump(),
      },
      options.queues,
      options.concurrency,
    )
  }

  start(): void {
    this.#off = this.#host.view.onEntry((entry) => this.#heard(entry))
    this.#intake.start()
  }

  stop(): Promise<void> {
    return this.#intake.stop()
  }

  close(deadlineMs = 5000): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    const end = systemTaskClock.elapsed() + deadlineMs
    await this.stop()
    const unstarted = [...this.#lanes.takeAll(), ...this.#suspects.splice(0), ...this.#early.values()]
    this.#early.clear()
    await Promise.all(unstarted.map((held) => this.#outcomes.settle(held, { kind: 'released' })))
    while (this.#running.size + this.#outcomes.settling > 0 && systemTaskClock.elapsed() < end) await sleep(5)
    this.#down.abort()
    this.#off?.()
    await this.#intake.close()
  }

  /** What a lost session brought comes again: only what runs goes on. */
  #forgetUnstarted(): void {
    this.#lanes.reset()
    this.#suspects.length = 0
    this.#early.clear()
    this.#outcomes.forgetEnds()
  }

  #received(receipt: Receipt, suspect: boolean): void {
    const { raw, channel, session } = receipt
    this.#lanes.arrived(raw.fields.consumerTag ?? '')
    const envelope = decodeEnvelope(raw)
    if (envelope === undefined) {
      void this.#outcomes.bury(receipt)
      return
    }
    const arrival = this.#arrivals++
    const held: Held = { envelope, suspect, arrival, raw, channel, session, progress: undefined, start: undefined }
    if (!this.#isCopy(held)) this.#line(held)
  }

  /** Puts what can be started in line. */
  #line(held: Held): void {
    if (!this.#intake.taking) void this.#outcomes.settle(held, { kind: 'released' })
    else if (!held.suspect && cameBack(held.raw)) void this.#outcomes.setAside(held)
    else {
      if (held.suspect) this.#suspects.push(held)
      else this.#lanes.push(held)
      this.#pump()
    }
  }

  /**
   * Whether a message is one that runs here, or that has ended: what comes again after a break of the connection, and what
   * was published twice because the first confirmation was lost. It is dealt with then.
   *
   * What a run has put back may be here before its confirmation is, and is no copy: it is kept until that run is over.
   */
  #isCopy(held: Held): boolean {
    const { message, turn, replayed } = held.envelope
    const running = this.#running.get(message.id)
    if (running === undefined) {
      const hasEnded = this.#outcomes.hasEnded(message.id) || this.#host.view.ended(message.id) !== undefined
      if (replayed === true || !hasEnded) return false
      this.#outcomes.acknowledge(held)
      return true
    }
    const { raw, channel, session } = held
    // After a break the run goes on with the new delivery; a second message of the same session is not needed.
    const isSame = turn === running.envelope.turn
    if (isSame && running.session !== session) Object.assign(running, { raw, channel, session })
    else if (turn <= running.envelope.turn || this.#early.has(message.id)) this.#outcomes.acknowledge(held)
    else this.#early.set(message.id, held)
    return true
  }

  #pump(): void {
    while (this.#intake.startable && !this.#solo) {
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
    const isWritten = await surely(async () => {
      starts = await this.#host.ledger.decide<number>({ t: 'solo', id: message.id, start }, {})
    }, this.#persistence)
    if (this.#down.signal.aborted) return
    if (!isWritten) return this.#outcomes.giveBack(held)
    // Now everything is known that was written before, so also whether a copy of it has ended meanwhile.
    if (this.#isCopy(held)) return
    held.start = start
    if (starts <= this.#options.crashBudget) return this.#run(held)
    await this.#outcomes.settle(held, convict(message.task, starts - 1))
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
    await this.#outcomes.settle(held, isOver ? outcome : (cancelled() ?? outcome))
    this.#running.delete(message.id)
    const next = this.#early.get(message.id)
    if (next === undefined) this.#pump()
    else {
      this.#early.delete(message.id)
      this.#line(next)
    }
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

  #heard(entry: LedgerEntry): void {
    if (entry.t === 'end') this.#outcomes.endWasRead(entry.id)
    else if (entry.t === 'set') this.#pump()
    else if (entry.t === 'cancel' || entry.t === 'ask') this.#answer(entry)
  }

  /** Says whether a task runs here, and ends it if that is asked. */
  #answer(question: Extract<LedgerEntry, { readonly t: 'cancel' | 'ask' }>): void {
    const { id, queue } = question
    const held = this.#running.get(id)
    if (held === undefined) {
      if (this.#intake.isTakingFrom(queue)) this.#say({ t: 'heard', id, by: this.#name })
      return
    }
    const { message, made } = held.envelope
    const { progress } = held
    this.#say({
      t: 'running',
      id,
      by: this.#name,
      attempt: made + 1,
      task: message.task,
      queue: message.queue,
      ...(progress === undefined ? {} : { progress }),
    })
    if (question.t === 'cancel') this.#options.interrupt(id, 'cancelled', question.reason)
  }

  #say(answer: LedgerEntry): void {
    this.#host.ledger.append(answer).catch(() => {}) // whoever asked waits no longer than it must
  }
}
