export { type RateLimitBackendFixture, rateLimitBackendChecks } from './rate-limit-backend-checks.js'
