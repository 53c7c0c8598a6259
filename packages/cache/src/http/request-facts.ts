import type { HeaderFields } from './header-fields.js'

/** Who is asking, as the application's own authentication found out. Never taken from an unchecked header. */
export interface Principal {
  /** Stable and unique: the account, not the token it came with. */
  readonly id: string
  /** What scope `role` keys by. */
  readonly role?: string
  /** What the rate limiter takes for its tier. */
  readonly tier?: string
}

/** One request as plain facts: all that the cache is told about it. */
export interface RequestFacts {
  /** In upper case. */
  readonly method: string
  /** The matched pattern, such as `/posts/:id`; never the URL. */
  readonly route: string
  /** Scheme and host as the framework resolved them through its proxy settings, such as `https://example.org`. */
  readonly origin: string
  /** The path as it was asked for, without the query. */
  readonly path: string
  /** The query as it was asked for, without its question mark; empty when there is none. */
  readonly query: string
  /** The pattern's parameters, decoded; a wildcard may be a list. */
  readonly params: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly headers: HeaderFields
  /** `undefined` for an anonymous request. */
  readonly principal: Principal | undefined
}

/** Methods that promise to change nothing (RFC 9110 9.2.1); every other successful request invalidates. */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'REPORT',
  'SEARCH',
])

/** Whether a method may have changed its resource. An unknown method may. */
export function isUnsafe(method: string): boolean {
  return !SAFE_METHODS.has(method)
}
