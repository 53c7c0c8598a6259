import { type Clock, type CloseReport, type CloseStep, type Intake, systemClock } from '@plinth/core'
import type { Part } from './part.js'
import type { TrackedWork } from './tracked-work.js'

/** What there is to close, and how long it may take. */
export interface ClosePlan {
  /** Milliseconds for everything, the drain delay included. */
  readonly deadlineMs: number
  /** Milliseconds to keep serving after readiness went off, so that load balancers notice. */
  readonly drainDelayMs: number
  readonly intakes: readonly Intake[]
  /** Work in flight that nobody else waits for. */
  readonly tracked: TrackedWork
  /** In the order in which they were started; closed backwards. */
  readonly parts: readonly Part[]
  /** Lets the connections go, last of all. */
  readonly closeConnections: () => Promise<void>
  readonly clock?: Clock
}

/** Every step gets at least this long, so that a late step can still say goodbye. */
const LEAST_MS = 50

/**
 * Goes down in order: keep serving for the drain delay, stop intake, finish work, close parts backwards, let connections go.
 *
 * Each step is bounded by its share of what is left, and one that fails or hangs never keeps the next from running.
 */
export async function closeInPhases(plan: ClosePlan): Promise<CloseReport> {
  const clock = plan.clock ?? systemClock
  const began = clock.elapsed()
  const left = (): number => Math.max(LEAST_MS, plan.deadlineMs - (clock.elapsed() - began))
  const steps: CloseStep[] = []
  const run = async (
    name: string,
    budgetMs: number,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> => {
    steps.push(await boundedStep(name, Math.max(LEAST_MS, budgetMs), work, clock))
  }

  const delay = Math.min(plan.drainDelayMs, plan.deadlineMs / 2)
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))

  const intakeMs = left() / 2
  await Promise.all([
    ...plan.intakes.map((intake) => run(`${intake.name}: stop`, intakeMs, (signal) => intake.stop(signal))),
    ...plan.parts.flatMap((part) =>
      part.stopIntake
        ? [run(`${part.name}: stop intake`, intakeMs, (signal) => stepOf(part, 'stopIntake', signal))]
        : [],
    ),
  ])

  const drainMs = left() / 2
  await Promise.all([
    ...(plan.tracked.size > 0 ? [run('tracked work', drainMs, () => plan.tracked.settled())] : []),
    ...plan.parts.flatMap((part) =>
      part.drain ? [run(`${part.name}: drain`, drainMs, async (signal) => part.drain?.(signal, drainMs))] : [],
    ),
  ])

  const closing = plan.parts.filter((part) => part.close !== undefined).toReversed()
  for (const [i, part] of closing.entries()) {
    await run(part.name, left() / (closing.length - i + 1), (signal) => stepOf(part, 'close', signal))
  }
  await run('connections', left(), plan.closeConnections)

  return { clean: steps.every((step) => step.outcome === 'closed'), ms: clock.elapsed() - began, steps }
}

async function stepOf(part: Part, step: 'stopIntake' | 'close', signal: AbortSignal): Promise<void> {
  await part[step]?.(signal)
}

async function boundedStep(
  name: string,
  budgetMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  clock: Clock,
): Promise<CloseStep> {
  const began = clock.elapsed()
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => {
      abort.abort(new Error(`${name} did not finish within ${Math.round(budgetMs)} ms`))
      resolve('timeout')
    }, budgetMs)
  })
  const done = Promise.resolve()
    .then(() => work(abort.signal))
    .then(
      () => 'closed' as const,
      () => 'failed' as const,
    )
  const outcome = await Promise.race([done, tooLate])
  clearTimeout(timer)
  return { name, outcome, ms: clock.elapsed() - began }
}
