import type { ComponentReport, HealthKind, HealthView, InfraPhase } from '@plinth/core'

/** What health is judged by. */
export interface HealthFacts {
  readonly phase: InfraPhase
  readonly reports: Readonly<Record<string, ComponentReport>>
  /** Whether `full` may name the components. */
  readonly details: boolean
}

/**
 * Judges health from memory.
 *
 * `live` passes while there is a process to answer. `startup` passes once the start has ended. `ready` fails while starting,
 * draining or stopped, and while a required component is not healthy; a degraded optional one is a warning.
 */
export function healthView(kind: HealthKind, { phase, reports, details }: HealthFacts): HealthView {
  if (kind === 'live') return view('pass')
  if (kind === 'startup') return view(phase === 'starting' ? 'fail' : 'pass')
  const unwell = Object.values(reports).filter((report) => !['healthy', 'disabled'].includes(report.state))
  const status =
    phase !== 'running' || unwell.some((report) => report.required) ? 'fail' : unwell.length > 0 ? 'warn' : 'pass'
  return kind === 'full' && details ? { ...view(status), components: withoutTargets(reports) } : view(status)
}

function view(status: HealthView['status']): HealthView {
  return { status, httpStatus: status === 'fail' ? 503 : 200 }
}

/** Hosts are for logs and the start table; a health page does not need them. */
function withoutTargets(reports: HealthFacts['reports']): HealthFacts['reports'] {
  return Object.fromEntries(Object.entries(reports).map(([name, { target: _, ...report }]) => [name, report]))
}
