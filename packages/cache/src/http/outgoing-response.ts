import { selectRange } from './byte-range.js'
import type { FieldChanges } from './field-changes.js'
import type { HeaderFields } from './header-fields.js'
import { isNotModified, rangeApplies } from './precondition.js'
import type { RequestFacts } from './request-facts.js'

/** A response to be sent. Fields that are not named stay as the handler or a middleware set them; `undefined` takes one away. */
export interface OutgoingResponse {
  readonly status: number
  readonly fields: FieldChanges
  readonly body: Uint8Array
}

const EMPTY = new Uint8Array(0)

/** What a 304 says (RFC 9110 15.4.5); the rest describes a body that it does not carry. */
const DESCRIBES_BODY: readonly string[] = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-range',
  'transfer-encoding',
]

/**
 * Gives the response to a request that has conditions or asks for a part: 304, 206 or 416 where they apply, else the whole.
 *
 * Conditions are looked at only for a 200: an error or a redirect is what it is (RFC 9110 13.2.1).
 */
export function applyConditions(
  { method, headers }: Pick<RequestFacts, 'method' | 'headers'>,
  whole: OutgoingResponse,
): OutgoingResponse {
  if (whole.status !== 200) return whole
  const fields = whole.fields as HeaderFields
  if (isNotModified(headers, fields)) return notModified(whole)
  const { range } = headers
  // A part is only ever asked for by GET (RFC 9110 14.2).
  if (method === 'HEAD' || typeof range !== 'string' || !rangeApplies(headers, fields)) return whole
  const selected = selectRange(range, whole.body.length)
  if (selected === undefined) return whole
  if (selected === 'unsatisfiable') {
    const refused = {
      'content-range': `bytes */${whole.body.length}`,
      'content-length': '0',
      'content-type': undefined,
    }
    return { status: 416, fields: { ...whole.fields, ...refused }, body: EMPTY }
  }
  const body = whole.body.subarray(selected.first, selected.last + 1)
  const part = {
    'content-range': `bytes ${selected.first}-${selected.last}/${whole.body.length}`,
    'content-length': String(body.length),
  }
  return { status: 206, fields: { ...whole.fields, ...part }, body }
}

/** Gives the 304 that stands for a response which the client has already. */
export function notModified({ fields }: OutgoingResponse): OutgoingResponse {
  const told: Record<string, string | readonly string[] | undefined> = { ...fields }
  for (const name of DESCRIBES_BODY) told[name] = undefined
  return { status: 304, fields: told, body: EMPTY }
}
