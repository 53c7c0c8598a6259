import type { AdapterSpec } from './adapter-app.js'

/** What a {@link SpecHost} is made with: a cache in memory, and a limiter in memory with these policies and rules. */
export interface SpecComponents<Cache, RateLimiter> {
  readonly cache: () => Cache
  readonly rateLimiter: (rules: {
    readonly policies: Readonly<Record<string, { readonly limits: readonly string[]; readonly routed?: false }>>
    readonly routes: Readonly<Record<string, string>>
  }) => RateLimiter
}

/** What an adapter under test works with. */
export interface SpecHost<Cache, RateLimiter> {
  readonly cache: Cache
  readonly rateLimiter: RateLimiter
  readonly fetch: (request: Request) => Promise<Response | undefined>
}

/** Makes the host that a spec asks for; it answers one path of its own, `/livez`. */
export function specHost<Cache, RateLimiter>(
  { policies, rules = {} }: Pick<AdapterSpec, 'policies' | 'rules'>,
  { cache, rateLimiter }: SpecComponents<Cache, RateLimiter>,
): SpecHost<Cache, RateLimiter> {
  return {
    cache: cache(),
    rateLimiter: rateLimiter({ policies: policies ?? UNUSED, routes: rules }),
    fetch: async ({ url }) => (new URL(url).pathname === '/livez' ? Response.json({ status: 'pass' }) : undefined),
  }
}

/** A limiter has at least one policy. */
const UNUSED = { unused: { limits: ['1/1m'], routed: false } } as const
