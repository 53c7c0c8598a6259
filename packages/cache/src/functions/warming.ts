import { parseDuration } from '@plinth/config/units'
import { asOption, refuseUnknown } from '../option-checks.js'
import type { WarmOptions, WarmReport } from './cached-function.js'
import { checkedConcurrency, type Limits, limited } from './limited.js'

const KNOWN: ReadonlySet<string> = new Set(['concurrency', 'signal', 'budget'])

/** What one function computes when its cache is warmed. */
export type WarmPlan = () => AsyncIterable<() => Promise<unknown>>

/** The functions of one cache that say what to warm. */
export class Warming {
  readonly #plans: WarmPlan[] = []

  add(plan: WarmPlan): void {
    this.#plans.push(plan)
  }

  async run(options: WarmOptions | undefined): Promise<WarmReport> {
    return warm(eachTask(this.#plans), options)
  }
}

/** Runs the tasks as the options say. @throws CacheOptionError */
export async function warm(
  tasks: Iterable<() => Promise<unknown>> | AsyncIterable<() => Promise<unknown>>,
  options: WarmOptions = {},
): Promise<WarmReport> {
  const { done, failures, complete } = await limited(tasks, limitsOf(options))
  return { warmed: done, failures, complete }
}

function limitsOf(options: WarmOptions): Limits {
  refuseUnknown(options, KNOWN, 'warm')
  const { concurrency = 5, signal, budget } = options
  return { concurrency: checkedConcurrency(concurrency, 'concurrency of warm'), signal, budgetMs: budgetOf(budget) }
}

function budgetOf(budget: WarmOptions['budget']): number | undefined {
  return budget === undefined ? undefined : asOption(() => parseDuration(budget, 'budget of warm'))
}

async function* eachTask(plans: readonly WarmPlan[]): AsyncGenerator<() => Promise<unknown>, void, undefined> {
  for (const plan of plans) yield* plan()
}
