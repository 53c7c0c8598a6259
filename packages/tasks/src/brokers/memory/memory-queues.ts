import type { Lane } from '../../lane.js'
import { Fifo } from './fifo.js'
import type { MemoryConsumer } from './memory-consumer.js'
import type { MemoryEntry } from './memory-entry.js'

interface Queue {
  readonly ready: Record<Lane, Fifo<MemoryEntry>>
  readonly suspects: Fifo<MemoryEntry>
  paused: boolean
}

/** The tasks that could start now, line by line, and who comes next. */
export class MemoryQueues {
  readonly #queues = new Map<string, Queue>()

  /** Puts a task that waits at the end of its line. */
  push(entry: MemoryEntry): void {
    const { ready, suspects } = this.#queue(entry.message.queue)
    if (entry.suspect) suspects.push(entry)
    else ready[entry.message.lane].push(entry)
  }

  /** Takes out what a consumer is to run next; `undefined` when there is nothing for it now. */
  next(consumer: MemoryConsumer): MemoryEntry | undefined {
    const { queues } = consumer.options
    for (const name of queues) {
      const { suspects, paused } = this.#queue(name)
      // A suspect runs alone: nothing starts beside it, nor before it while others still run.
      if (!paused && head(suspects) !== undefined) return consumer.held.size > 0 ? undefined : take(suspects)
    }
    const lane = consumer.picker.pick((one) => this.#oldest(queues, one) !== undefined)
    const fifo = lane === undefined ? undefined : this.#oldest(queues, lane)
    return fifo === undefined ? undefined : take(fifo)
  }

  setPaused(name: string, paused: boolean): void {
    this.#queue(name).paused = paused
  }

  isPaused(name: string): boolean {
    return this.#queue(name).paused
  }

  /** The names of the queues that are paused. */
  paused(): readonly string[] {
    return [...this.#queues].filter(([, { paused }]) => paused).map(([name]) => name)
  }

  /** Of the queues behind a lane, the one whose first task was enqueued first. */
  #oldest(queues: readonly string[], lane: Lane): Fifo<MemoryEntry> | undefined {
    let found: Fifo<MemoryEntry> | undefined
    let since = Number.POSITIVE_INFINITY
    for (const name of queues) {
      const { ready, paused } = this.#queue(name)
      const first = paused ? undefined : head(ready[lane])
      if (first === undefined || first.message.enqueuedAt >= since) continue
      found = ready[lane]
      since = first.message.enqueuedAt
    }
    return found
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = { ready: { high: new Fifo(), normal: new Fifo(), low: new Fifo() }, suspects: new Fifo(), paused: false }
      this.#queues.set(name, queue)
    }
    return queue
  }
}

/** The first of a line that still waits; what was cancelled there is passed over. */
function head(fifo: Fifo<MemoryEntry>): MemoryEntry | undefined {
  for (let first = fifo.peek(); first !== undefined; first = fifo.peek()) {
    if (first.state === 'waiting') return first
    fifo.shift()
  }
  return undefined
}

function take(fifo: Fifo<MemoryEntry>): MemoryEntry | undefined {
  const first = head(fifo)
  if (first !== undefined) fifo.shift()
  return first
}
