import type { BlockOrder } from '../rate-limit-backend.js'
import type { Limit } from './limit.js'
import type { OutageMode } from './rate-limit-rules.js'

/** What a call on one policy means for one tier or subject: compiled once, looked up on every call. */
export interface PolicyPlan {
  readonly policy: string
  /** Whose limits these are: a tier, or `undefined` for the policy's own. */
  readonly tier: string | undefined
  /** Empty when unlimited. */
  readonly limits: readonly Limit[]
  /** The units that limits of this policy count in any tier: a cost may name no other. */
  readonly units: ReadonlySet<string>
  readonly onOutage: OutageMode
  /** The blocks that refuse it: the subject's own, and the policy's when it escalates. */
  readonly blocks: readonly Limit[]
  /** How a denial blocks, and the block it is kept in; absent when it does not. */
  readonly escalation: { readonly block: Limit; readonly order: BlockOrder } | undefined
  /** Whether some limit only watches. */
  readonly watches: boolean
  /** Whether units are taken from the backend in advance and spent here. */
  readonly hot: boolean
}
