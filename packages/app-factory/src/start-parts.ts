import { type Clock, InfraError, type MoveCause, systemClock } from '@plinth/core'
import type { Supervisor } from './supervisor.js'

/** One thing that stands in the way of the start. */
export interface StartFault {
  readonly component: string
  readonly cause: MoveCause
}

/** The app cannot start as it is: every fault of every component, together. */
export class StartError extends InfraError {
  override readonly name: string = 'StartError'
  readonly faults: readonly StartFault[]

  constructor(faults: readonly StartFault[]) {
    const lines = faults.map(({ component, cause }) => `  - ${component}: ${cause.error?.message ?? cause.reason}`)
    super('START_FAILED', `The app cannot start:\n${lines.join('\n')}`, {
      cause: faults.find(({ cause }) => cause.error)?.cause.error,
    })
    this.faults = faults
  }
}

/**
 * Starts all parts side by side, each after what it depends on, under one budget for the whole.
 *
 * An outage of an optional part is no fault: it is degraded and keeps connecting. Everything else that failed is thrown
 * together, after all have answered.
 *
 * @throws StartError for mistakes, for bugs, and for required parts that are not there.
 */
export async function startParts(
  supervisors: readonly Supervisor[],
  budgetMs: number,
  clock: Clock = systemClock,
): Promise<void> {
  const began = clock.elapsed()
  const started = new Map<string, Promise<StartFault | undefined>>()
  for (const supervisor of supervisors) {
    const { name, dependsOn = [] } = supervisor.part
    started.set(
      name,
      Promise.all(dependsOn.map((dependency) => started.get(dependency))).then(async () => {
        const cause = await supervisor.start(Math.max(0, budgetMs - (clock.elapsed() - began)))
        return cause === undefined ? undefined : { component: name, cause }
      }),
    )
  }
  const required = new Set(supervisors.filter(({ part }) => part.required).map(({ part }) => part.name))
  const faults = (await Promise.all(started.values()))
    .filter((fault) => fault !== undefined)
    .filter(
      ({ component, cause }) => required.has(component) || (cause.reason !== 'outage' && cause.reason !== 'timeout'),
    )
  if (faults.length > 0) throw new StartError(faults)
}
