import { randomBytes } from 'node:crypto'
import type { Clock, Logger } from '@plinth/core'
import { memoryBackend } from '../backends/memory.js'
import type { PolicyPlan } from '../policy/policy-plan.js'
import { shareOf } from '../policy/share-of-limit.js'
import type { Charge, DecideOptions, RateLimitBackend, Verdict } from '../rate-limit-backend.js'
import type { Cost } from '../rate-limiter.js'
import { costOf, type PlannedCall, type PlannedCheck, type PlanOptions, planCall, SoleCheck } from './check-plan.js'
import { Decided, type DecidedBy } from './decided.js'
import type { Decision, DegradedReason } from './decision.js'
import { degradedReasonOf } from './degraded-reason.js'
import { DenyCache } from './deny-cache.js'
import { escalate } from './escalate.js'
import { HotBudgets } from './hot-budgets.js'
import { Ledger } from './ledger.js'
import { askTraces } from './limiter-events.js'
import { OutageLog } from './outage-log.js'
import { reportDenial, reportVerdict } from './report-decision.js'
import { Undecided } from './undecided.js'

/** What a {@link Decider} works with. */
export interface DeciderOptions {
  readonly backend: RateLimitBackend
  readonly instances: number
  readonly deadlineMs: number
  readonly logger: Logger
  /** Told when the backend goes and when it is back. */
  readonly outageLogger: Logger
  readonly clock: Clock
}

/** Who decides: the backend, or this process because of an outage. */
interface Judge extends DecidedBy {
  readonly backend: RateLimitBackend
}

/**
 * Takes checks to their decision: asks the backend, or answers for it.
 *
 * What was refused a moment ago is refused again without asking; hot policies spend what was taken in advance; while the
 * backend is away each policy's `onOutage` decides.
 */
export class Decider {
  readonly #options: DeciderOptions
  readonly #denials: DenyCache
  readonly #outages: OutageLog
  readonly #remote: Judge
  readonly #local: Judge
  readonly #charging: PlanOptions & DecideOptions
  readonly #unblocked: PlanOptions & DecideOptions
  readonly #peeking: PlanOptions & DecideOptions
  readonly #hot: HotBudgets
  readonly #leasePrefix: string = randomBytes(9).toString('base64url')
  #leases = 0
  /** The last refusal of a backend that is away, and until when it is taken for what it would say. */
  #away: { readonly error: unknown; readonly until: number } | undefined

  constructor(options: DeciderOptions) {
    const { backend, clock, outageLogger, instances } = options
    const local = memoryBackend({ clock })
    this.#options = options
    this.#denials = new DenyCache(clock)
    this.#outages = new OutageLog(backend.name, outageLogger, clock)
    this.#remote = { backend, ledger: this.#ledgerOf(backend), degradedReason: undefined, ageMs: 0 }
    this.#local = { backend: local, ledger: this.#ledgerOf(local), degradedReason: 'unavailable', ageMs: 0 }
    const nextLease = (): string => this.#nextLease()
    this.#charging = { peek: false, withoutBlocks: false, nextLease, deadlineMs: options.deadlineMs }
    this.#unblocked = { ...this.#charging, withoutBlocks: true }
    this.#peeking = { ...this.#charging, peek: true }
    this.#hot = new HotBudgets(instances, (corrections) => this.#remote.ledger.correct(corrections))
  }

  /** What decides while the backend is away. */
  get local(): RateLimitBackend {
    return this.#local.backend
  }

  /** Decides several checks together. Throws `RateLimitUsageError` for an impossible cost. */
  decide(checks: readonly PlannedCheck[], peek: boolean): Decision | Promise<Decision> {
    const remembered = this.#denials.isEmpty || peek ? undefined : this.#remembered(checks)
    if (remembered !== undefined) return remembered
    return this.#decideCall(planCall(checks, this.#how(peek)))
  }

  /** {@link Decider.decide} for a single check. */
  decideOne(plan: PolicyPlan, subject: string, cost: Cost, peek: boolean): Decision | Promise<Decision> {
    const remembered = this.#denials.isEmpty || peek ? undefined : this.#remembered([{ plan, subject, cost }])
    if (remembered !== undefined) return remembered
    const call = new SoleCheck(plan, subject, cost, this.#how(peek))
    return plan.hot && !peek ? this.#decideHot(call) : this.#decideCall(call)
  }

  #how(peek: boolean): PlanOptions {
    if (peek) return this.#peeking
    return this.#remote.backend.blocksNobody ? this.#unblocked : this.#charging
  }

  #decideCall(call: PlannedCall): Decision | Promise<Decision> {
    const away = this.#knownAway()
    if (away !== undefined) return this.#decideAlone(call, away)
    try {
      const answer = this.#ask(call)
      if (!(answer instanceof Promise)) return this.#settle(call, answer, this.#remote)
      return this.#settleLater(call, answer)
    } catch (error) {
      return this.#decideAlone(call, error)
    }
  }

  /** Something was given back to a subject, or (without one) other limits apply: what was refused may be admitted now. */
  forgetDenials(subject?: string): void {
    if (subject === undefined) this.#denials.clear()
    else this.#denials.forget(subject)
  }

  async close(): Promise<void> {
    this.#remote.ledger.close()
    this.#local.ledger.close()
    await this.#hot.close()
  }

  #nextLease(): string {
    this.#leases += 1
    return `${this.#leasePrefix}${this.#leases.toString(36)}`
  }

  #remembered(checks: readonly PlannedCheck[]): Decision | undefined {
    for (const check of checks) {
      const denial = this.#denials.find(check)
      if (denial === undefined) continue
      const decision = new Decided(denial.call, denial.verdict, { ...this.#remote, ageMs: denial.ageMs })
      reportDenial(this.#remote.backend.name, check, decision, true)
      return decision
    }
    return undefined
  }

  #ask(call: PlannedCall): Verdict | Promise<Verdict> {
    const options = call.peek ? this.#peeking : this.#charging
    const { backend } = this.#remote
    if (!backend.remote || !askTraces.hasSubscribers) return backend.decide(call.charges, options)
    const { policy = '', tier } = call.checks[0]?.plan ?? {}
    const context = () => ({ backend: backend.name, policy, tier, limits: call.charges.length })
    return askTraces.trace(context, async () => backend.decide(call.charges, options))
  }

  async #settleLater(call: PlannedCall, answer: Promise<Verdict>): Promise<Decision> {
    try {
      return await this.#settle(call, await answer, this.#remote)
    } catch (error) {
      return this.#decideAlone(call, error)
    }
  }

  /** Makes the decision of a verdict. A refusal by an escalating policy has to block first. */
  #settle(call: PlannedCall, verdict: Verdict, judge: Judge): Decision | Promise<Decision> {
    if (judge.degradedReason === undefined && this.#outages.isDown) this.#outages.noteAnswer()
    if (verdict.admitted || call.peek) return this.#conclude(call, verdict, judge)
    const { deadlineMs } = this.#options
    const blocked = escalate(call, verdict, (...order) => judge.backend.block(...order, { deadlineMs }))
    if (blocked === undefined) return this.#conclude(call, verdict, judge)
    return blocked.then((then) => this.#conclude(call, then, judge))
  }

  #conclude(call: PlannedCall, verdict: Verdict, judge: Judge): Decision {
    const decision = new Decided(call, verdict, judge)
    if (call.peek) return decision
    reportVerdict(judge.backend.name, call, verdict)
    if (verdict.admitted) return decision
    reportDenial(judge.backend.name, call.checks[0], decision)
    if (judge.backend.remote) this.#denials.keep(call, verdict)
    return decision
  }

  async #decideHot(call: SoleCheck): Promise<Decision> {
    const { plan, subject } = call
    const cost = costOf(call.cost, undefined)
    try {
      const { verdict, charges } = await this.#hot.spend(plan, subject, cost, async (units) => {
        const taken = new SoleCheck(plan, subject, units, this.#charging)
        return { verdict: await this.#ask(taken), charges: taken.charges }
      })
      return await this.#settle({ checks: call.checks, charges, peek: false }, verdict, this.#remote)
    } catch (error) {
      return this.#decideAlone(call, error)
    }
  }

  /** Why the backend does not answer, when that is known: to ask it in vain costs more than to decide. */
  #knownAway(): unknown {
    const away = this.#away
    if (away === undefined || this.#remote.backend.available) return undefined
    return this.#options.clock.elapsed() < away.until ? away.error : undefined
  }

  /** The answer without the backend: the strictest that one of the policies asks for. */
  #decideAlone(call: PlannedCall, error: unknown): Decision | Promise<Decision> {
    const degradedReason = degradedReasonOf(error)
    if (degradedReason === undefined) throw error
    this.#outages.noteFailure(degradedReason, error)
    if (degradedReason !== 'deadline' && error !== this.#away?.error) {
      this.#away = { error, until: this.#options.clock.elapsed() + KNOWN_AWAY_MS }
    }
    const tier = call.checks[0]?.plan.tier
    if (call.checks.some(isClosed)) {
      const facts = { enforced: true, degradedReason, tier, retryAfterMs: RETRY_CLOSED_MS }
      const decision = new Undecided({ ...facts, outcome: 'unavailable' })
      reportDenial(this.#remote.backend.name, call.checks[0], decision)
      return decision
    }
    if (call.checks.some(isLocal)) return this.#decideLocally(call, degradedReason)
    return new Undecided({ outcome: 'admitted', enforced: true, degradedReason, tier })
  }

  #decideLocally({ checks, peek }: PlannedCall, degradedReason: DegradedReason): Decision | Promise<Decision> {
    const options = peek ? this.#peeking : this.#charging
    const planned = planCall(checks.filter(isLocal), options)
    const call = { checks: planned.checks, charges: planned.charges.map((charge) => this.#shareOf(charge)), peek }
    const judge = { ...this.#local, degradedReason }
    const verdict = this.#local.backend.decide(call.charges, options)
    if (!(verdict instanceof Promise)) return this.#settle(call, verdict, judge)
    return verdict.then((later) => this.#settle(call, later, judge))
  }

  /** The charge for this instance's share of a limit: a cost beyond the share takes all of it. */
  #shareOf(charge: Charge): Charge {
    const { instances } = this.#options
    if (instances === 1 || charge.limit.algorithm === 'block') return charge
    const limit = shareOf(charge.limit, instances)
    return { ...charge, limit, cost: Math.min(charge.cost, limit.burst) }
  }

  #ledgerOf(backend: RateLimitBackend): Ledger {
    const { deadlineMs, logger } = this.#options
    return new Ledger({
      backend,
      deadlineMs,
      onOutage: (reason, error) => this.#outages.noteFailure(reason, error),
      onBug: (error) =>
        logger.error({ component: 'rate-limit', backend: backend.name, error }, 'renewing slots failed'),
      onGivenBack: (subject) => this.#denials.forget(subject),
    })
  }
}

/** How long an outage is taken for the same as it was when the backend was last asked, in milliseconds. */
const KNOWN_AWAY_MS = 1000

function isClosed({ plan }: PlannedCheck): boolean {
  return plan.onOutage === 'closed'
}

function isLocal({ plan }: PlannedCheck): boolean {
  return plan.onOutage === 'local'
}

/** What a client of a closed policy is told to wait, in milliseconds: outages end without notice. */
const RETRY_CLOSED_MS = 1000
