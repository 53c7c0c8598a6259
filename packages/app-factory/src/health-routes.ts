import type { HealthKind, HealthView } from '@plinth/core'

const KINDS: ReadonlyMap<string, HealthKind> = new Map([
  ['/livez', 'live'],
  ['/readyz', 'ready'],
  ['/startupz', 'startup'],
  ['/healthz', 'full'],
])

/** The paths that {@link healthResponse} answers. Limiters and caches must leave them alone. */
export const healthPaths: readonly string[] = [...KINDS.keys()]

/** Answers a GET or HEAD for a health path; `undefined` for every other path. */
export function healthResponse(request: Request, health: (kind: HealthKind) => HealthView): Response | undefined {
  const kind = KINDS.get(new URL(request.url).pathname)
  if (kind === undefined) return undefined
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return new Response(null, { status: 405, headers: { allow: 'GET, HEAD', 'cache-control': 'no-store' } })
  }
  const { httpStatus, ...body } = health(kind)
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(body), {
    status: httpStatus,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
