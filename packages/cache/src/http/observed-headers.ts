import type { HeaderFields } from './header-fields.js'
import type { RoutePolicy } from './route-policy.js'

/** What the handler of a cached route read although answers are not told apart by it. */
export interface UnkeyedRead {
  /** The route's pattern. */
  readonly route: string
  /** Request headers in lower case; `*` when it went through all of them. */
  readonly headers: readonly string[]
}

/** Of the connection, of the message, of the cache itself, or part of every key (the origin): no answer may depend on the rest. */
const TOLD_APART_ANYWAY: ReadonlySet<string> = new Set([
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'pragma',
  'range',
  'te',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** Request headers that note who reads them. */
export class ObservedHeaders {
  /** The headers as the handler is to see them. */
  readonly view: HeaderFields
  readonly #read = new Set<string>()

  constructor(headers: HeaderFields) {
    const note = (name: string | symbol) => {
      if (typeof name === 'string') this.#read.add(name.toLowerCase())
    }
    this.view = new Proxy(headers, {
      get: (target, name) => {
        note(name)
        return Reflect.get(target, name)
      },
      has: (target, name) => {
        note(name)
        return Reflect.has(target, name)
      },
      ownKeys: (target) => {
        note('*')
        return Reflect.ownKeys(target)
      },
    })
  }

  /** What was read of these headers that tells no answers apart: neither under the policy, nor by what the response varies by. */
  unkeyed(policy: RoutePolicy, vary: readonly string[]): readonly string[] {
    const keyed = new Set([...vary, ...policy.vary.map((selector) => selector.replace(/^cookie:.*/, 'cookie'))])
    // Without a scope there are no credentials in a request that fills; with one, they are what it stands for.
    if (policy.scope !== 'public') for (const name of ['authorization', 'cookie']) keyed.add(name)
    const unkeyed = [...this.#read].filter((name) => !(keyed.has(name) || TOLD_APART_ANYWAY.has(name)))
    return unkeyed.includes('*') ? ['*'] : unkeyed.sort()
  }
}
