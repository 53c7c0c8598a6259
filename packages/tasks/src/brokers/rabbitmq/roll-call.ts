import type { TaskRef } from '../../message.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import type { RabbitLink } from './rabbit-link.js'
import { laneQueue, type RabbitQueues } from './rabbit-queues.js'
import type { RabbitView, RunningEntry } from './rabbit-view.js'

/** A worker that takes no more tasks and still runs some is not counted: it has so long to say so. */
const DRAINING_MS = 250
/** Nobody waits longer for a worker that says nothing. */
const SILENT_MS = 3000

/** What a roll call needs of its broker. */
export interface RollCallHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly view: RabbitView
}

/**
 * Asks every worker of a queue about a task, by what is written into the ledger: who runs it says so, the others that they
 * have heard. RabbitMQ tells how many there are. Who begins to take from the queue later has read the question by then.
 */
export class RollCall {
  readonly #host: RollCallHost

  constructor(host: RollCallHost) {
    this.#host = host
  }

  /** Writes the question, and answers who runs the task as soon as somebody says so; `undefined` when nobody does. */
  find(ref: TaskRef, question: () => Promise<unknown>): Promise<RunningEntry | undefined> {
    return this.#call(ref, question, (running) => running !== undefined)
  }

  /** Writes what all are to know, and answers once they do: who runs the task, or `undefined` when nobody does. */
  tell(ref: TaskRef, word: () => Promise<unknown>): Promise<RunningEntry | undefined> {
    return this.#call(ref, word, () => false)
  }

  async #call(
    { id, queue }: TaskRef,
    write: () => Promise<unknown>,
    isEnough: (running: RunningEntry | undefined) => boolean,
  ): Promise<RunningEntry | undefined> {
    const heard = new Set<string>()
    let running: RunningEntry | undefined
    let answered = new AbortController()
    const off = this.#host.view.onEntry((entry) => {
      if ((entry.t !== 'running' && entry.t !== 'heard') || entry.id !== id) return
      heard.add(entry.by)
      if (entry.t === 'running') running = entry
      answered.abort()
    })
    try {
      await write()
      const began = systemTaskClock.elapsed()
      const workers = await this.#workers(queue)
      for (;;) {
        const waited = systemTaskClock.elapsed() - began
        const patience = heard.size < workers ? SILENT_MS : running === undefined ? DRAINING_MS : 0
        if (isEnough(running) || waited >= patience) return running
        answered = new AbortController()
        await sleep(patience - waited, answered.signal)
      }
    } finally {
      off()
    }
  }

  /** How many take from a queue right now; 0 when that cannot be told, and then only the time counts. */
  async #workers(queue: string): Promise<number> {
    const { session } = this.#host.link
    if (session === undefined) return 0
    try {
      await this.#host.queues.queue(session, queue)
      return (await session.scratch((channel) => channel.checkQueue(laneQueue(queue, 'normal')))).consumerCount
    } catch {
      return 0
    }
  }
}
