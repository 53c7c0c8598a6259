import { BackendUnavailableError, InfraError, MisconfiguredError, MissingDependencyError } from '../infra-error.js'
import { postmarkFaults, smtpFaults } from './email-faults.js'
import { type FaultKind, type FaultRule, findFault } from './fault.js'
import { memcachedFaults } from './memcached-faults.js'
import { networkFaults } from './network-faults.js'
import { rabbitmqFaults } from './rabbitmq-faults.js'
import { redisFaults } from './redis-faults.js'

/** The servers whose errors the house can sort. */
export type FaultSource = 'redis' | 'memcached' | 'rabbitmq' | 'postmark' | 'smtp'

/** What an error means. */
export interface ClassifiedFault {
  readonly kind: FaultKind
  /** The line of the table that decided, such as `redis/loading`; absent for an error that the table does not know. */
  readonly rule?: FaultRule
}

/** The error table of the house: every line, by the server it is about. */
export const faultTable: Readonly<Record<FaultSource, readonly FaultRule[]>> = {
  redis: redisFaults,
  memcached: memcachedFaults,
  rabbitmq: rabbitmqFaults,
  postmark: postmarkFaults,
  smtp: smtpFaults,
}

/**
 * Sorts an error into `misconfigured`, `outage` or `bug`.
 *
 * Without a `source`, for a client that the house does not know, only the ways in which a network fails are looked at.
 * What the table does not know is a bug: an unknown error must be seen, not waited out.
 */
export function classifyFault(error: unknown, source?: FaultSource): ClassifiedFault {
  if (error instanceof MisconfiguredError || error instanceof MissingDependencyError) return { kind: 'misconfigured' }
  if (error instanceof BackendUnavailableError) return { kind: 'outage' }
  const rule = findFault(error, source === undefined ? networkFaults : faultTable[source])
  if (rule !== undefined) return { kind: rule.kind, rule }
  return { kind: error instanceof InfraError && error.retryable ? 'outage' : 'bug' }
}
