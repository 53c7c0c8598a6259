import { randomUUID } from 'node:crypto'
import type { Closable } from '@plinth/core'
import type { TaskRecord } from '../../broker.js'
import type { TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import type { ControlMessage, RedisControl } from './redis-control.js'

/** Whoever waits looks this often by itself, in case nobody could tell it. */
const LOOK_AGAIN_MS = 2000

/** On a process that waits for results: told by the workers, and looking by itself now and then. */
export class ResultWaiters implements Closable {
  readonly #control: RedisControl
  readonly #inspect: (ref: TaskRef) => Promise<TaskRecord | undefined>
  readonly #replyTo: string
  readonly #waiting = new Map<string, Set<(settled: Settled | undefined) => void>>()
  #listening: Promise<readonly Closable[]> | undefined

  constructor(control: RedisControl, inspect: (ref: TaskRef) => Promise<TaskRecord | undefined>) {
    this.#control = control
    this.#inspect = inspect
    this.#replyTo = `${control.waiters}:${randomUUID()}`
  }

  async settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    signal.throwIfAborted()
    const first = await this.#look(ref)
    if (first !== 'pending') return first
    await this.#listen()
    for (;;) {
      signal.throwIfAborted()
      const told = this.#told(ref.id, signal)
      try {
        await this.#control.send(this.#control.workers, { type: 'watch', id: ref.id, replyTo: this.#replyTo })
      } catch {
        // the broker is away: looked at again soon
      }
      const seen = await this.#look(ref)
      if (seen !== 'pending') {
        told.stop()
        return seen
      }
      const settled = await told.settled
      if (settled !== undefined) return settled
    }
  }

  async close(): Promise<void> {
    for (const listener of (await this.#listening) ?? []) await listener.close()
    for (const waiting of this.#waiting.values()) for (const tell of waiting) tell(undefined)
  }

  async #look(ref: TaskRef): Promise<Settled | undefined | 'pending'> {
    try {
      const record = await this.#inspect(ref)
      return record === undefined ? undefined : (record.settled ?? 'pending')
    } catch {
      return 'pending' // the broker is away: the signal says how long that may last
    }
  }

  /** Resolves with the end when told, and with `undefined` when it is time to look again. */
  #told(id: string, signal: AbortSignal): { readonly settled: Promise<Settled | undefined>; stop(): void } {
    let stop = (): void => {}
    const settled = new Promise<Settled | undefined>((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, waiting)
      const timer = setTimeout(() => tell(undefined), LOOK_AGAIN_MS).unref()
      const aborted = (): void => {
        stop()
        reject(signal.reason)
      }
      const tell = (end: Settled | undefined): void => {
        stop()
        resolve(end)
      }
      stop = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        waiting.delete(tell)
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id)
      }
      waiting.add(tell)
      signal.addEventListener('abort', aborted, { once: true })
    })
    settled.catch(() => {}) // awaited later, or not at all when the answer was seen meanwhile
    return { settled, stop: () => stop() }
  }

  #listen(): Promise<readonly Closable[]> {
    const hear = (message: ControlMessage): void => {
      if (message.type !== 'ended') return
      for (const tell of [...(this.#waiting.get(message.id) ?? [])]) tell(message.settled)
    }
    this.#listening ??= Promise.all([
      this.#control.listen(this.#replyTo, hear),
      this.#control.listen(this.#control.waiters, hear),
    ])
    return this.#listening
  }
}
