import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** What was seen of one HTTP request, whatever the client made of it. */
export interface RequestFacts {
  /** Whether the request was handed to a connection. */
  created: boolean
  /** Whether its head was written: from then on the other side may act on it. */
  headWritten: boolean
  /** The answer's status; absent when none came. */
  status?: number
  /** The answer's `Retry-After`, in milliseconds; absent when it had none. */
  retryAfterMs?: number | undefined
  /** What ended the request, as fetch told it; absent when it was answered in full. */
  failure?: unknown
}

interface RequestMessage {
  readonly request: object
}

/**
 * A `fetch` that ends with the caller's signal, reads the whole answer, and remembers what happened on the wire.
 *
 * Clients built on fetch report a refused connection, a stalled answer and a broken answer alike. Whether a message may
 * have been sent hangs on the difference, so it is taken from undici's own diagnostics channels: a request whose head was
 * never written was never sent, however it ended.
 */
export class WatchedFetch {
  readonly #current = new AsyncLocalStorage<{ readonly facts: RequestFacts; readonly signal: AbortSignal }>()
  readonly #byRequest = new WeakMap<object, RequestFacts>()
  #watching = false

  /** The function to give to a client. Outside of {@link WatchedFetch.watch} it is plain fetch. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const current = this.#current.getStore()
    if (current === undefined) return fetch(input, init)
    const { facts, signal } = current
    try {
      const response = await fetch(input, { ...init, signal })
      facts.status = response.status
      facts.retryAfterMs = parseRetryAfter(response.headers.get('retry-after'))
      // Read here, under the same signal: an answer may stall after its head.
      const body = await response.text()
      return new Response(body, { status: response.status })
    } catch (error) {
      facts.failure = error
      throw error
    }
  }

  /** Runs `call`, which makes one request through {@link WatchedFetch.fetch}, and gives what was seen of it. */
  async watch<Result>(
    signal: AbortSignal,
    call: () => Promise<Result>,
  ): Promise<{ readonly facts: RequestFacts; readonly outcome: PromiseSettledResult<Result> }> {
    this.#start()
    const facts: RequestFacts = { created: false, headWritten: false }
    const [outcome] = await Promise.allSettled([this.#current.run({ facts, signal }, call)])
    return { facts, outcome }
  }

  /** Stops watching the channels. */
  stop(): void {
    if (!this.#watching) return
    unsubscribe('undici:request:create', this.#onCreate)
    unsubscribe('undici:client:sendHeaders', this.#onSendHeaders)
    this.#watching = false
  }

  #start(): void {
    if (this.#watching) return
    subscribe('undici:request:create', this.#onCreate)
    subscribe('undici:client:sendHeaders', this.#onSendHeaders)
    this.#watching = true
  }

  readonly #onCreate = (message: unknown): void => {
    const current = this.#current.getStore()
    if (current === undefined) return
    current.facts.created = true
    this.#byRequest.set((message as RequestMessage).request, current.facts)
  }

  readonly #onSendHeaders = (message: unknown): void => {
    const facts = this.#byRequest.get((message as RequestMessage).request)
    if (facts !== undefined) facts.headWritten = true
  }
}

/** Gives the wait that a `Retry-After` header asks for, in milliseconds: seconds or a date (RFC 9110). */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
