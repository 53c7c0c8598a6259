import type { PolicyPlan } from '../policy/policy-plan.js'
import type { Charge, Correction, Outcome, Verdict } from '../rate-limit-backend.js'

/** Asks the backend to charge so many units for a subject. */
export type TakeUnits = (cost: number) => Promise<{ readonly verdict: Verdict; readonly charges: readonly Charge[] }>

/** What was spent of a budget, or the verdict that refused. */
export interface Spent {
  readonly verdict: Verdict
  readonly charges: readonly Charge[]
}

/** Units taken in advance, and how they are used up. */
interface Budget {
  units: number
  taken: Spent | undefined
  /** How many to take next time. */
  size: number
  /** Takes that are under way, one after the other. */
  queue: Promise<unknown>
  /** Set while there are units to be given back. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Units of hot policies, taken from the backend some at a time and spent here.
 *
 * Never more than the limit: every unit was charged before it is spent. What is not spent within 50 ms is given back, so
 * for that long others may see less than there is. How many are taken follows how many were needed.
 */
export class HotBudgets {
  readonly #giveBack: (corrections: readonly Correction[]) => Promise<void>
  readonly #share: number
  readonly #budgets = new Map<PolicyPlan, Map<string, Budget>>()

  /** @param instances how many processes share the limit: none takes more than a quarter of its part of what is left. */
  constructor(instances: number, giveBack: (corrections: readonly Correction[]) => Promise<void>) {
    this.#share = 4 * instances
    this.#giveBack = giveBack
  }

  /** Spends `cost` units; asks the backend by `take` when there are not so many. */
  spend(plan: PolicyPlan, subject: string, cost: number, take: TakeUnits): Promise<Spent> {
    const budget = this.#budgetOf(plan, subject)
    const spent = spendFrom(budget, cost)
    if (spent !== undefined) return Promise.resolve(spent)
    const next = budget.queue.then(() => spendFrom(budget, cost) ?? this.#take(budget, cost, take))
    budget.queue = next.catch(() => {})
    return next
  }

  /** Gives back everything that is not spent. */
  async close(): Promise<void> {
    const budgets = [...this.#budgets.values()].flatMap((ofPlan) => [...ofPlan.values()])
    this.#budgets.clear()
    await Promise.all(budgets.map((budget) => this.#end(budget)))
  }

  async #take(budget: Budget, cost: number, take: TakeUnits): Promise<Spent> {
    const wanted = Math.max(cost, budget.size)
    const first = await take(wanted)
    if (!first.verdict.admitted) return wanted === cost ? first : take(cost)
    const left = Math.min(...first.charges.map((charge, i) => leftOf(charge, first.verdict.outcomes[i])))
    budget.size = Math.max(1, Math.min(2 * budget.size, Math.floor(left / this.#share), MOST_UNITS))
    if (budget.units > 0) await this.#end(budget) // too few for this cost, and of another time
    budget.taken = first
    budget.units = wanted - cost
    clearTimeout(budget.timer)
    budget.timer = setTimeout(() => void this.#end(budget), LASTS_MS).unref()
    return costing(first, cost)
  }

  /** Gives back what was not spent, and takes less the next time. */
  async #end(budget: Budget): Promise<void> {
    clearTimeout(budget.timer)
    const { units, taken } = budget
    budget.units = 0
    budget.taken = undefined
    budget.size = Math.max(1, budget.size - units)
    if (units > 0 && taken !== undefined) await this.#giveBack(correctionsOf(taken, -units))
  }

  #budgetOf(plan: PolicyPlan, subject: string): Budget {
    let ofPlan = this.#budgets.get(plan)
    if (ofPlan === undefined || ofPlan.size >= MOST_SUBJECTS) {
      ofPlan = new Map() // budgets that are let go end by their timers
      this.#budgets.set(plan, ofPlan)
    }
    const known = ofPlan.get(subject)
    if (known !== undefined) return known
    const budget: Budget = { units: 0, taken: undefined, size: 1, queue: Promise.resolve(), timer: undefined }
    ofPlan.set(subject, budget)
    return budget
  }
}

const LASTS_MS = 50
const MOST_UNITS = 1000
/** Hot policies are for a few subjects that everyone shares. */
const MOST_SUBJECTS = 1000

function spendFrom(budget: Budget, cost: number): Spent | undefined {
  if (budget.taken === undefined || budget.units < cost) return undefined
  budget.units -= cost
  return costing(budget.taken, cost)
}

/** A part of what was taken, so that a refund of it gives back just that part. */
function costing({ verdict, charges }: Spent, cost: number): Spent {
  return {
    verdict,
    charges: charges.map((charge) => (charge.limit.algorithm === 'block' ? charge : { ...charge, cost })),
  }
}

function leftOf({ limit }: Charge, outcome: Outcome | undefined): number {
  return limit.algorithm === 'block' || limit.shadow || outcome === undefined
    ? Number.POSITIVE_INFINITY
    : outcome.remaining
}

function correctionsOf({ verdict, charges }: Spent, by: number): readonly Correction[] {
  return charges.flatMap(({ subject, limit }, i) => {
    const outcome = verdict.outcomes[i]
    if (limit.algorithm === 'block' || outcome?.admits !== true) return []
    return [{ subject, limit, by, at: outcome.at, lease: undefined }]
  })
}
