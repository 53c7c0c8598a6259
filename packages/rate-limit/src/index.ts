export { type MemoryBackend, type MemoryBackendOptions, memoryBackend } from './backends/memory.js'
export { createRateLimiter, type RateLimiterOptions } from './create-rate-limiter.js'
export type { Decision, DecisionOutcome, DegradedReason, LimitStatus } from './decision/decision.js'
export type {
  AskContext,
  DeniedEvent,
  LimitEvent,
  OutageEvent,
} from './decision/limiter-events.js'
export { disabledRateLimiter } from './disabled-rate-limiter.js'
export type { LimitExplanation, PolicyExplanation } from './policy/explain-policy.js'
export type { Limit, LimitAlgorithm } from './policy/limit.js'
export {
  type ConcurrencyInput,
  type LimitInput,
  type ParsedLimit,
  parseLimit,
  type QuotaInput,
} from './policy/parse-limit.js'
export type {
  EscalationDefinition,
  OutageMode,
  OverrideDefinition,
  PolicyDefinition,
  RateLimitRules,
  TierDefinition,
} from './policy/rate-limit-rules.js'
export type { LoadRules } from './policy/rules-source.js'
export type { TierOf } from './policy/tier-lookup.js'
export type {
  BackendCallOptions,
  BlockOrder,
  Charge,
  Correction,
  DecideOptions,
  Outcome,
  RateLimitBackend,
  Verdict,
} from './rate-limit-backend.js'
export { type RateLimitUsageCode, RateLimitUsageError } from './rate-limit-usage-error.js'
export type { CheckOptions, CheckRequest, Cost, RateLimiter } from './rate-limiter.js'
