import type { Closable } from '@plinth/core'
import type { ScheduleBook } from './schedule-book.js'
import { leadSchedules, type SchedulerOptions } from './scheduler.js'

/** Stands for leading the schedules while there are schedules, and workers that may lead them. */
export class ScheduleLeadership {
  readonly #options: SchedulerOptions
  readonly #book: ScheduleBook
  readonly #workers = new Set<object>()
  #standing: Promise<Closable> | undefined

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#book = options.schedules
    this.#book.onAdd(() => {
      void this.#review().catch(() => {}) // a worker that starts later hears of it
    })
  }

  /** Counts a worker in; the answer counts it out, and steps down after the last. */
  async join(worker: object): Promise<Closable> {
    this.#workers.add(worker)
    await this.#review()
    return {
      close: async () => {
        this.#workers.delete(worker)
        await this.#review()
      },
    }
  }

  async #review(): Promise<void> {
    if (this.#book.size > 0 && this.#workers.size > 0) {
      this.#standing ??= this.#options.broker.lead('schedules', (term) => leadSchedules(this.#options, term))
      await this.#standing
    } else if (this.#standing !== undefined) {
      const standing = this.#standing
      this.#standing = undefined
      await (await standing).close()
    }
  }
}
