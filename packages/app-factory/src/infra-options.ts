import type { Env } from '@plinth/config'
import type { Clock, Logger } from '@plinth/core'
import type { AnyTask } from '@plinth/tasks'
import type { ComponentDefinition } from './component-definition.js'
import type { InfraConfig } from './config.js'
import type { EmailOptions } from './parts/email-part.js'
import type { RateLimiterOptions } from './parts/rate-limiter-part.js'

/** What the application decides; everything else comes from the environment. */
export interface InfraOptions<Definitions extends readonly ComponentDefinition<string, unknown>[] = readonly []>
  extends RateLimiterOptions {
  /** The environment, usually `process.env`. Read once, never changed. Give this or `config`. */
  readonly env?: Env
  /** A configuration that was loaded already, with the factory's `sections`. */
  readonly config?: InfraConfig
  /** Every task that this service enqueues or runs. */
  readonly tasks?: readonly AnyTask[]
  /** What task handlers find as `context.deps`. */
  readonly deps?: unknown
  /** Whether this process runs tasks. Default `auto`: only when they wait in its own memory. */
  readonly worker?: boolean | 'auto'
  /** What the application decides about mail. */
  readonly email?: EmailOptions
  /** Components of your own. */
  readonly components?: Definitions
  /** Where lines go. Default: the console. */
  readonly logger?: Logger
  readonly clock?: Clock
}
