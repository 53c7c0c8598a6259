import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

/** Gives a Node request as a Web one, its body still to be read; `origin` is scheme and host, such as `https://example.org`. */
export function webRequest(request: IncomingMessage, origin: string): Request {
  const headers = new Headers()
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? ''
    if (!name.startsWith(':')) headers.append(name, request.rawHeaders[at + 1] ?? '')
  }
  const method = request.method ?? 'GET'
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? { body: Readable.toWeb(request), duplex: 'half' } : {}
  return new Request(new URL(request.url ?? '/', origin), { method, headers, ...body } as RequestInit)
}

/** Sends a Web response as a Node one. Resolves when it has been handed over; a client that went away is no error. */
export async function sendWebResponse(response: Response, to: ServerResponse): Promise<void> {
  to.statusCode = response.status
  for (const [name, value] of response.headers) to.appendHeader(name, value)
  if (response.body === null) {
    to.end()
    return
  }
  try {
    await pipeline(Readable.fromWeb(response.body as ReadableStream), to)
  } catch {
    to.destroy()
  }
}
