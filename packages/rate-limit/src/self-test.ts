import { randomBytes } from 'node:crypto'
import { BackendUnavailableError } from '@plinth/core'
import { compileLimits } from './policy/compile-limit.js'
import { parseLimit } from './policy/parse-limit.js'
import type { PolicyDesk } from './policy/policy-desk.js'
import type { RateLimitBackend } from './rate-limit-backend.js'

/**
 * Looks for what would make a limiter that is switched on limit nothing, and says it in whole sentences.
 *
 * It charges a limit of its own twice, so a backend that cannot refuse is found out before an attacker finds it.
 */
export async function selfTest(
  desk: PolicyDesk,
  backend: RateLimitBackend,
  deadlineMs: number,
): Promise<readonly string[]> {
  const server = await Promise.all([probe(backend, deadlineMs), backend.inspect?.({ deadlineMs }) ?? []]).then(
    (warnings) => warnings.flat(),
    // That a server is away is told by what watches its connection.
    (error: unknown) =>
      error instanceof BackendUnavailableError
        ? []
        : [`Rate limits could not ask their backend ${backend.name}: ${describe(error)}`],
  )
  return [...idleWarnings(desk), ...server]
}

/** What is limited nowhere. */
export function idleWarnings(desk: PolicyDesk): readonly string[] {
  if (desk.isIdle) {
    return ['The rate limiter is on but mounted on nothing: no route, no rule and no check uses any of its policies.']
  }
  return desk
    .unused()
    .map((policy) => `No route uses rate limit policy "${policy}": name it in a route, or give it routed: false.`)
}

async function probe(backend: RateLimitBackend, deadlineMs: number): Promise<readonly string[]> {
  const [limit] = compileLimits('self-test', [parseLimit('1/1m strict')], { scale: 1, shadow: false }).limits
  if (limit === undefined) return []
  const subject = `self-test:${randomBytes(9).toString('base64url')}`
  const charge = { subject, limit, cost: 1, lease: undefined }
  const first = await backend.decide([charge], { peek: false, deadlineMs })
  const second = await backend.decide([charge], { peek: false, deadlineMs })
  await backend.reset(subject, [limit], { deadlineMs })
  if (first.admitted && !second.admitted) return []
  return [
    `Backend ${backend.name} does not limit: of two charges on a limit of one it ${told(first.admitted, second.admitted)}.`,
  ]
}

function told(first: boolean, second: boolean): string {
  return first && second ? 'admitted both' : 'refused the first'
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
