export type { CacheStatus, ForwardReason } from './cache-status.js'
export {
  type ClientCacheFacts,
  type ClientCacheOptions,
  type ClientCachePolicy,
  clientCacheControl,
  compileClientCache,
} from './client-cache.js'
export type { FieldChanges } from './field-changes.js'
export { fieldLine, fieldMembers, type HeaderFields, type PriorFields, type StoredFields } from './header-fields.js'
export { isSelected as isSelectedParameter, type QuerySelection } from './keyed-query.js'
export type { UnkeyedRead } from './observed-headers.js'
export type { OutgoingResponse } from './outgoing-response.js'
export type { PutSession } from './put-session.js'
export { isRefreshing } from './refresh.js'
export { isUnsafe, type Principal, type RequestFacts } from './request-facts.js'
export { type Opening, RouteCache, type RouteCacheParts, type RouteRefusal, type RouteRequest } from './route-cache.js'
export {
  compileInvalidation,
  type FinishedRequest,
  type InvalidationOptions,
  type InvalidationPlan,
  RouteInvalidator,
} from './route-invalidation.js'
export { compileRoutePolicy, type RouteCacheOptions, type RoutePolicy, type RouteScope } from './route-policy.js'
export type { RouteSession } from './route-session.js'
export type { CapturedResponse, Refusal } from './storability.js'
