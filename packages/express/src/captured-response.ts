import type { CapturedResponse, FieldChanges, HeaderFields, OutgoingResponse, RouteSession } from '@plinth/cache/http'
import type { Request, Response } from 'express'
import { type Callback, type Chunk, readChunk, toBytes } from './chunk.js'
import { responseFields } from './request-facts.js'

/** The response's own ways of sending, as they were before it was captured: those of middleware further out. */
interface Sending {
  readonly writeHead: Response['writeHead']
  readonly write: (chunk: Chunk, encoding: BufferEncoding, done: Callback | undefined) => boolean
  readonly end: (chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined) => unknown
  readonly flushHeaders: () => void
}

/**
 * Stands between a handler and its response: holds back the head until it is known whether the whole body comes at once,
 * and lets the session decide what is sent.
 *
 * What comes at once (`res.send`, `res.json`, `res.end(body)`) can still become a 304 or a stale answer in place of an error. What
 * comes in pieces is passed on as it comes and copied.
 */
export class ResponseCapture {
  readonly #request: Request
  readonly #response: Response
  readonly #session: RouteSession
  readonly #prior: HeaderFields
  readonly #sending: Sending
  /** The request's headers themselves; the handler may have been given an observed view of them. */
  readonly #headers: Request['headers']
  /** As it was when the first piece came, before the session changed it. */
  #handlersHead: Omit<CapturedResponse, 'body'> | undefined
  #kept: Buffer[] | undefined = []
  #size = 0
  #phase: 'waiting' | 'streaming' | 'ended' = 'waiting'

  /** Takes the response over. `prior` are its fields as they stand. */
  constructor(request: Request, response: Response, session: RouteSession, prior: HeaderFields) {
    this.#request = request
    this.#response = response
    this.#session = session
    this.#prior = prior
    this.#headers = request.headers
    this.#sending = {
      writeHead: response.writeHead.bind(response),
      write: response.write.bind(response) as Sending['write'],
      end: response.end.bind(response) as Sending['end'],
      flushHeaders: response.flushHeaders.bind(response),
    }
    response.writeHead = ((...head: unknown[]) => this.#noteHead(head)) as Response['writeHead']
    response.write = ((...piece: unknown[]) => this.#write(...readChunk(piece))) as Response['write']
    response.end = ((...piece: unknown[]) => this.#end(...readChunk(piece))) as Response['end']
    response.flushHeaders = () => this.#flush()
    response.once('close', () => {
      if (this.#phase !== 'ended') session.abandon('incomplete')
    })
  }

  /** A handler that writes its head itself only says what it will be; it is sent with the first piece of the body. */
  #noteHead([status, second, third]: unknown[]): Response {
    if (this.#phase === 'ended') return this.#sending.writeHead(status as number)
    if (typeof status === 'number') this.#response.statusCode = status
    if (typeof second === 'string') this.#response.statusMessage = second
    const fields = typeof second === 'object' ? second : third
    if (Array.isArray(fields)) {
      for (let at = 0; at + 1 < fields.length; at += 2) this.#response.appendHeader(fields[at], fields[at + 1])
    } else if (typeof fields === 'object' && fields !== null) {
      for (const [name, value] of Object.entries(fields)) this.#response.setHeader(name, value)
    }
    return this.#response
  }

  #flush(): void {
    if (this.#phase === 'waiting') this.#begin()
    this.#sending.flushHeaders()
  }

  #write(chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined): boolean {
    if (this.#phase === 'waiting') this.#begin()
    if (chunk === undefined) return true
    this.#keep(chunk, encoding)
    return this.#sending.write(chunk, encoding, done)
  }

  #end(chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined): Response {
    if (this.#phase === 'ended') return this.#response
    if (this.#phase === 'waiting') this.#endAtOnce(chunk, encoding, done)
    else this.#endStream(chunk, encoding, done)
    return this.#response
  }

  #begin(): void {
    this.#phase = 'streaming'
    this.#request.headers = this.#headers
    this.#handlersHead = this.#head()
    this.#apply(this.#session.begin(this.#handlersHead))
    this.#sending.writeHead(this.#response.statusCode)
  }

  #endAtOnce(chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined): void {
    this.#phase = 'ended'
    this.#request.headers = this.#headers
    const body = chunk === undefined ? new Uint8Array(0) : toBytes(chunk, encoding)
    const answer = this.#session.finish(withoutOwnTag(this.#request, { ...this.#head(), body }))
    this.#response.statusCode = answer.status
    this.#apply(answer.fields)
    this.#announceLength(answer)
    this.#sending.writeHead(answer.status)
    const isHead = this.#request.method === 'HEAD'
    const send = () => this.#sending.end(isHead || answer.body.length === 0 ? undefined : answer.body, 'utf8', done)
    this.#session.store(responseFields(this.#response)).then(send, send)
  }

  #endStream(chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined): void {
    this.#phase = 'ended'
    if (chunk !== undefined) this.#keep(chunk, encoding)
    const send = () => this.#sending.end(chunk, encoding, done)
    if (this.#kept === undefined) {
      this.#session.abandon('too-large')
      send()
      return
    }
    const head = this.#handlersHead ?? this.#head()
    this.#session.end({ ...head, body: Buffer.concat(this.#kept) }).then(send, send)
  }

  #head(): Omit<CapturedResponse, 'body'> {
    return { status: this.#response.statusCode, fields: responseFields(this.#response), prior: this.#prior }
  }

  #keep(chunk: Chunk, encoding: BufferEncoding): void {
    const bytes = toBytes(chunk, encoding)
    this.#size += bytes.length
    if (this.#size > this.#session.keepsBytes) this.#kept = undefined
    this.#kept?.push(bytes)
  }

  #apply(changes: FieldChanges): void {
    applyFields(this.#response, changes)
  }

  /** The head goes before the body here, so Node cannot work out the length for itself. */
  #announceLength({ status, body }: OutgoingResponse): void {
    const response = this.#response
    const known = response.hasHeader('content-length') || response.hasHeader('transfer-encoding')
    if (known || status === 204 || status === 304 || this.#request.method === 'HEAD') return
    response.setHeader('content-length', body.length)
  }
}

/** Sets fields on a response, and takes away those that are `undefined`. */
export function applyFields(response: Response, changes: FieldChanges): void {
  for (const name in changes) {
    const value = changes[name]
    if (value === undefined) response.removeHeader(name)
    else response.setHeader(name, value)
  }
}

/** The entity tag that `res.send` makes of every body is not the handler's: the cache makes one that is bound to the key. */
export function withoutOwnTag(request: Request, response: CapturedResponse): CapturedResponse {
  const { etag } = response.fields
  const make: unknown = request.app.get('etag fn')
  if (etag === undefined || typeof make !== 'function' || make(Buffer.from(response.body)) !== etag) return response
  return { ...response, fields: { ...response.fields, etag: undefined } }
}
