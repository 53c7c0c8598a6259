/** A request as the handlers of an {@link AdapterApp} see it, whatever the framework. */
export interface Ask {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Who `authorization: user ID ROLE` says it is, once {@link AdapterRoute.auth} has looked; else `undefined`. */
  readonly user: { readonly id: string; readonly role?: string } | undefined
}

/** What a handler answers. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Sent at once: an object as JSON. */
  readonly body?: string | Buffer | object
  /** Sent piece by piece instead; one that throws breaks the response off. */
  readonly pieces?: () => AsyncIterable<string>
}

/** One route, for any framework. */
export interface AdapterRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** A pattern with colons: `/posts/:id`. */
  readonly path: string
  /** A middleware of the route's own that answers 401 unless `authorization: user ID ROLE` is there. */
  readonly auth?: true
  /** Options of the route as its adapter takes them. */
  readonly cache?: object
  readonly invalidates?: object
  readonly puts?: object
  readonly client?: object
  /** The policy it is charged to; `true` for what the limiter's route rules say. */
  readonly limit?: string | true
  readonly handle: (ask: Ask) => Reply | Promise<Reply>
}

/** What the checks want to be served. */
export interface AdapterSpec {
  readonly routes: readonly AdapterRoute[]
  /** Policies of the limiter, by name. */
  readonly policies?: Readonly<Record<string, { readonly limits: readonly string[] }>>
  /** Route rules of the limiter. */
  readonly rules?: Readonly<Record<string, string>>
  /** The policy that every request is charged to by its address. */
  readonly addressLimit?: string
  /** Where the adapter reports what handlers read that answers are not told apart by. */
  readonly onUnkeyedRead?: (read: { readonly route: string; readonly headers: readonly string[] }) => void
  /** Declares the routes in a child of the app, under this path, before the adapter's own registration is through where that can be. */
  readonly under?: string
}

/** An app that listens. */
export interface AdapterApp {
  readonly url: string
}

/** Serves an app over an adapter, on a cache and a limiter of its own; ends with the check. */
export type ServeSpec = (spec: AdapterSpec) => Promise<AdapterApp>

/** What a check runs against. */
export interface AdapterFixture {
  readonly serve: ServeSpec
}

/** Who a request says it is: what the applications of the checks take for authentication. */
export function userOf(authorization: string | undefined): Ask['user'] {
  const [scheme, id, role] = authorization?.split(' ') ?? []
  if (scheme !== 'user' || id === undefined) return undefined
  return role === undefined ? { id } : { id, role }
}
