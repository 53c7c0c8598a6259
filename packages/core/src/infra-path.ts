/** The four questions of a platform have paths of their own; everything else of Plinth's lies under these two. */
const HEALTH: ReadonlySet<string> = new Set(['/livez', '/readyz', '/startupz', '/healthz'])
const UNDER = /^\/(?:__plinth|webhooks)(?:\/|$)/

/**
 * Whether `InfraHost.fetch` may have an answer for a path: health, webhooks and the mailbox.
 *
 * Cheap, so that adapters can ask it for every request before they make a Web request of it.
 */
export function mayBeInfraPath(path: string): boolean {
  return HEALTH.has(path) || UNDER.test(path)
}
