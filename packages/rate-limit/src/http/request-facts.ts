/** What an adapter knows of a request, in plain values: the HTTP core asks for nothing else. */
export interface RequestFacts {
  /** In capitals. `HEAD` is limited as `GET`. */
  readonly method: string
  /** The framework's route pattern, such as `/posts/:id`; absent when no route matched. Never the URL. */
  readonly route?: string | undefined
  /** The address of the socket's other end. */
  readonly peer?: string | undefined
  /** The `X-Forwarded-For` header as received; read only for trusted hops. */
  readonly forwardedFor?: string | undefined
  /** Who is signed in, once that was verified. */
  readonly principal?: Caller | undefined
  /** The id of an API key (not the key), once it was verified. */
  readonly apiKey?: Caller | undefined
}

/** A verified caller. */
export interface Caller {
  readonly id: string
  /** Whose limits apply. */
  readonly tier?: string | undefined
}
