import type { Delivery } from '../../broker.js'
import type { TaskMessage } from '../../message.js'
import type { HeldJob } from './held-job.js'
import type { RunCommand } from './run-command.js'

/** How long what a task remembers across its attempts is kept. */
const MEMO_MS = 7 * 24 * 3_600_000

/** A job in the hands of a worker, as the worker sees it; what it remembers is a hash beside the job. */
export class JobDelivery implements Delivery {
  readonly message: TaskMessage
  readonly attempt: number
  readonly suspect: boolean
  readonly #held: HeldJob
  readonly #run: RunCommand

  constructor(held: HeldJob, run: RunCommand) {
    this.message = held.message
    this.attempt = held.attempt
    this.suspect = held.suspect
    this.#held = held
    this.#run = run
  }

  async progress(value: string): Promise<void> {
    const { lane, job } = this.#held
    const backend = await lane.backend()
    await backend.updateProgress(job.id, JSON.parse(value))
  }

  async recall(key: string): Promise<string | undefined> {
    const memo = this.#held.openMemo()
    return (await this.#run((client) => client.hget(memo, key))) ?? undefined
  }

  async remember(key: string, value: string): Promise<void> {
    const memo = this.#held.openMemo()
    await this.#run((client) => client.hset(memo, key, value))
    await this.#run((client) => client.pexpire(memo, MEMO_MS))
  }
}
