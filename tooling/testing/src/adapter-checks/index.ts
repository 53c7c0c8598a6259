export {
  type AdapterApp,
  type AdapterFixture,
  type AdapterRoute,
  type AdapterSpec,
  type Ask,
  type Reply,
  type ServeSpec,
  userOf,
} from './adapter-app.js'
export { exactAnswerChecks } from './exact-answer-checks.js'
export { leakChecks } from './leak-checks.js'
export { type LeakContestants, leakTable, writeSection } from './leak-table.js'
export { limitChecks } from './limit-checks.js'
export { putChecks, unkeyedReadChecks } from './put-checks.js'
export { cacheOutcome, type RawRequest, type RawResponse, rawFetch } from './raw-fetch.js'
export { routeCacheChecks } from './route-cache-checks.js'
export { type ServedStandIn, type ServeFixture, serveChecks, type WholeStandIn } from './serve-checks.js'
export { specHost } from './spec-host.js'
