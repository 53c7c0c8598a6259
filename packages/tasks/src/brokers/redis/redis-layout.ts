import { dedupeScope } from '../../dedupe-scope.js'
import { LANES, type Lane } from '../../lane.js'
import type { TaskMessage, TaskRef } from '../../message.js'
import { type LaneHost, LaneQueue, laneName } from './lane-queue.js'

/** Where everything of a Redis broker stands: the lanes of its queues, and its own keys beside them. */
export class RedisLayout {
  readonly #connect: () => LaneHost
  readonly #lanes = new Map<string, LaneQueue>()
  #host: LaneHost | undefined

  /** `connect` is called once, when a name is first asked for: the prefix may depend on which server it is. */
  constructor(connect: () => LaneHost) {
    this.#connect = connect
  }

  get prefix(): string {
    return this.#connected().prefix
  }

  lane(queue: string, lane: Lane): LaneQueue {
    const name = laneName(queue, lane)
    let known = this.#lanes.get(name)
    if (known === undefined) {
      known = new LaneQueue(this.#connected(), queue, lane)
      this.#lanes.set(name, known)
    }
    return known
  }

  /** The lanes of a queue: high, normal, low. */
  lanes(queue: string): readonly LaneQueue[] {
    return LANES.map((lane) => this.lane(queue, lane))
  }

  /** The names of the lanes of a queue with the prefix, as scripts take them: high, normal, low. */
  laneNames(queue: string): readonly [string, string, string] {
    const name = (lane: Lane): string => this.key(laneName(queue, lane))
    return [name('high'), name('normal'), name('low')]
  }

  key(type: string): string {
    return `${this.prefix}:${type}`
  }

  /** A key that stands where all others do: it tells a Cluster where a script runs. */
  get slot(): string {
    return this.key('board')
  }

  /** Of an idempotency, unique or debounce key of a task. */
  claimKey(kind: 'i' | 'u' | 'd', message: TaskMessage, key: string): string {
    return `${this.key(message.queue)}:key:${dedupeScope(kind, message, key)}`
  }

  /** Of what is remembered of a task that was cancelled. */
  cancelledKey({ id, queue }: TaskRef): string {
    return `${this.key(queue)}:cancelled:${id}`
  }

  close(): void {
    for (const lane of this.#lanes.values()) lane.close()
  }

  #connected(): LaneHost {
    this.#host ??= this.#connect()
    return this.#host
  }
}
