import type { FieldChanges } from './field-changes.js'
import type { HeaderFields } from './header-fields.js'
import type { QuerySelection } from './keyed-query.js'
import type { OutgoingResponse } from './outgoing-response.js'
import type { CapturedResponse, Refusal } from './storability.js'

/**
 * One request on its way through the handler, as the adapter plays it.
 *
 * Either the whole response is known before anything is sent: then `finish` says what to send, and `store`, called once nobody can change
 * its head any more, keeps it. Or it is sent as it comes: then `begin` says what to change in its head, and `end` how it went.
 * `abandon` ends a request that has come to neither. What is called too late or twice does nothing.
 */
export interface RouteSession {
  /** Request fields to change for the handler; `undefined` takes a field away. */
  readonly requestFields: Readonly<Record<string, string | undefined>>
  /** Which query parameters the handler may see. */
  readonly query: QuerySelection
  /** How many bytes of body to keep for `end`; 0 when nothing will be stored. */
  readonly keepsBytes: number
  /** Gives the request's headers as the handler is to read them until the answer is there: themselves, unless somebody observes. */
  watch(headers: HeaderFields): HeaderFields
  /** Gives what to send instead of, or with, a response that is complete. */
  finish(response: CapturedResponse): OutgoingResponse
  /** Stores what `finish` was given, unless a cookie was set in the meantime. Resolves when that is done; never rejects. */
  store(head: HeaderFields): Promise<void>
  /** Gives the changes to the head of a response whose body is still to come. */
  begin(head: Omit<CapturedResponse, 'body'>): FieldChanges
  /** The body that followed `begin` is complete. Resolves when it is stored or refused; never rejects. */
  end(response: CapturedResponse): Promise<void>
  /** There will be no complete response, or none that may be stored. */
  abandon(reason: Refusal): void
}
