import type { Schedule } from './schedule.js'

/** The schedules of a service; a leader that sleeps is woken when one is added. */
export class ScheduleBook {
  readonly #schedules = new Map<string, Schedule>()
  readonly #listeners = new Set<() => void>()

  get size(): number {
    return this.#schedules.size
  }

  get(name: string): Schedule | undefined {
    return this.#schedules.get(name)
  }

  values(): Iterable<Schedule> {
    return this.#schedules.values()
  }

  add(schedule: Schedule): void {
    this.#schedules.set(schedule.name, schedule)
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` whenever a schedule was added; the answer takes it off again. */
  onAdd(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
