import type { Closable } from '@plinth/core'
import type { Ending, Settled } from '../../outcome.js'
import { settledOf } from '../../settled-of.js'
import { systemTaskClock } from '../../task-clock.js'
import type { ControlMessage, RedisControl } from './redis-control.js'

/** A wish to be told is forgotten after this long unless it is repeated. */
const INTEREST_MS = 10_000
/** So many of the last ended tasks are remembered, for wishes that come a moment too late. */
const REMEMBERED = 256
/** Larger results are not sent along; whoever waits reads them. */
const LARGEST_PUSH = 65_536

interface Interest {
  readonly replyTo: Set<string>
  until: number
}

/** On a worker: who wants to be told when which task ends. Costs nothing for tasks that nobody waits for. */
export class ResultDesk implements Closable {
  readonly #control: RedisControl
  readonly #interests = new Map<string, Interest>()
  readonly #recent = new Map<string, Ending>()
  #listening: Promise<Closable> | undefined

  constructor(control: RedisControl) {
    this.#control = control
  }

  /** Begins to take wishes, and hands every other message on. */
  async open(other: (message: ControlMessage) => void): Promise<void> {
    this.#listening = this.#control.listen(this.#control.workers, (message) => {
      if (message.type === 'watch') this.#watch(message.id, message.replyTo)
      else other(message)
    })
    await this.#listening
  }

  /** A task has ended here: whoever waits for it is told. */
  ended(id: string, end: Ending): void {
    this.#recent.set(id, end)
    if (this.#recent.size > REMEMBERED) {
      const [oldest] = this.#recent.keys()
      if (oldest !== undefined) this.#recent.delete(oldest)
    }
    const interest = this.#interests.get(id)
    if (interest === undefined) return
    this.#interests.delete(id)
    for (const replyTo of interest.replyTo) this.#tell(replyTo, id, end)
  }

  async close(): Promise<void> {
    await (await this.#listening)?.close()
    this.#interests.clear()
    this.#recent.clear()
  }

  #watch(id: string, replyTo: string): void {
    const known = this.#recent.get(id)
    if (known?.kind === 'dead') {
      // It may have been replayed since: whoever asks looks for itself, and asks again when it finds it alive.
      this.#recent.delete(id)
      this.#control.send(replyTo, { type: 'ended', id }).catch(() => {})
    } else if (known !== undefined) {
      this.#tell(replyTo, id, known)
      return
    }
    const now = systemTaskClock.elapsed()
    const interest = this.#interests.get(id) ?? { replyTo: new Set(), until: 0 }
    interest.replyTo.add(replyTo)
    interest.until = now + INTEREST_MS
    this.#interests.delete(id) // so that the map stays in the order in which wishes run out
    this.#interests.set(id, interest)
    for (const [oldest, { until }] of this.#interests) {
      if (until > now) break
      this.#interests.delete(oldest)
    }
  }

  #tell(replyTo: string, id: string, end: Ending): void {
    const settled = smallEnough(end)
    const message: ControlMessage = settled === undefined ? { type: 'ended', id } : { type: 'ended', id, settled }
    this.#control.send(replyTo, message).catch(() => {}) // whoever waits asks again
  }
}

/** What is sent along of an end; nothing when that would be large. */
function smallEnough(ending: Ending): Settled | undefined {
  const isLarge = ending.kind === 'completed' && (ending.result?.length ?? 0) > LARGEST_PUSH
  return isLarge ? undefined : settledOf(ending)
}
