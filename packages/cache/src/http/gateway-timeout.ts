import type { OutgoingResponse } from './outgoing-response.js'

/** Gives the answer to `only-if-cached` when nothing is stored (RFC 9111 5.2.1.7), as a problem document (RFC 9457). */
export function gatewayTimeout(name: string): OutgoingResponse {
  const problem = {
    type: 'about:blank',
    title: 'Gateway Timeout',
    status: 504,
    detail: 'Nothing is stored for this request.',
  }
  const body = Buffer.from(JSON.stringify(problem))
  const fields = {
    'content-type': 'application/problem+json',
    'content-length': String(body.length),
    'cache-control': 'no-store',
    'cache-status': `${name}; fwd=uri-miss; detail=only-if-cached`,
  }
  return { status: 504, fields, body }
}
