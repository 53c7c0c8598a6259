import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
// An address parser that is not ours: what it finds is what was addressed.
import addressparser from 'nodemailer/lib/addressparser'

/**
 * A fault of one request, in the order in which they were asked for. `accepts`: whether the messages count as sent.
 *
 * `reset-before` resets the connection before a byte is read; `reset-after` once the request was read.
 */
export type StandInFault =
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers?: Record<string, string>
      readonly accepts?: boolean
    }
  | { readonly kind: 'html'; readonly status: number; readonly accepts?: boolean }
  | { readonly kind: 'refusal'; readonly status: number; readonly code: number; readonly message: string }
  | { readonly kind: 'stalled-head' | 'stalled-body' | 'reset-after' | 'empty'; readonly accepts?: boolean }
  | { readonly kind: 'reset-before' }

/** A message that the stand-in accepted: from then on, Postmark would deliver it. */
export interface AcceptedMessage {
  readonly id: string
  readonly to: readonly string[]
  readonly at: number
  readonly payload: Payload
}

interface Payload {
  readonly From?: string
  readonly To?: string
  readonly Cc?: string
  readonly Bcc?: string
  readonly Subject?: string
  readonly HtmlBody?: string
  readonly TextBody?: string
  readonly TemplateAlias?: string
  readonly MessageStream?: string
  readonly Headers?: readonly { readonly Name: string; readonly Value: string }[]
  readonly Metadata?: Readonly<Record<string, string>>
}

/**
 * Answers as Postmark's API documents it, for tests: the same shapes, codes and limits, and faults on demand.
 *
 * Sources: https://postmarkapp.com/developer/api/email-api (fields, success answer), .../api/overview#error-codes (401 with
 * code 10; 422 with 300, 406 and others; 413; 429; 500; 503), .../user-guide/send-email-with-api/batch-emails (500
 * messages, 50 MB, answers in the order of the request), .../support/article/1180 (50 recipients), .../api/messages-api and
 * .../support/article/1125-custom-metadata-faq (search by one metadata field). A batch is HTTP 200 whatever its items say.
 */
export class PostmarkStandIn {
  readonly token = 'pm-test-5b1f0c3a-token'
  readonly accepted: AcceptedMessage[] = []
  /** One entry for each request that was read in full. */
  readonly requests: { readonly path: string; readonly count: number; readonly bytes: number }[] = []
  /** Recipients that bounced before, in lower case. */
  readonly inactive = new Set<string>()
  readonly faults: StandInFault[] = []
  /** How long a message is not found yet. */
  searchLagMs = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
      if (this.faults[0]?.kind === 'reset-before') {
        this.faults.shift()
        socket.resetAndDestroy()
      }
    })
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('connection', 'close')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url ?? '/', 'http://postmark')
    const parsed = body.length === 0 ? undefined : (JSON.parse(body.toString('utf8')) as unknown)
    this.requests.push({ path: url.pathname, count: messagesOf(parsed).length, bytes: body.length })

    const fault = request.method === 'POST' ? this.faults.shift() : undefined
    if (fault !== undefined) {
      if ('accepts' in fault && fault.accepts === true) for (const payload of messagesOf(parsed)) this.#accept(payload)
      this.#fail(fault, request, response)
      return
    }
    if (request.headers['x-postmark-server-token'] !== this.token) {
      send(response, 401, { ErrorCode: 10, Message: 'Request does not contain a valid Server token.' })
      return
    }
    this.#answer(url, parsed, body.length, response)
  }

  #answer(url: URL, parsed: unknown, bytes: number, response: ServerResponse): void {
    switch (url.pathname) {
      case '/server':
        send(response, 200, { ID: 1, Name: 'Test', DeliveryType: 'Live' })
        return
      case '/messages/outbound':
        send(response, 200, this.#search(url.searchParams))
        return
      case '/email':
      case '/email/withTemplate': {
        const answer = this.#accept(parsed as Payload)
        send(response, answer.ErrorCode === 0 ? 200 : 422, answer)
        return
      }
      case '/email/batch':
      case '/email/batchWithTemplates': {
        const messages = messagesOf(parsed)
        if (bytes > 50 * 1024 * 1024) send(response, 413, { ErrorCode: 0, Message: 'Payload too large' })
        else if (messages.length > 500) send(response, 422, { ErrorCode: 410, Message: 'Too many batch messages' })
        else
          send(
            response,
            200,
            messages.map((payload) => this.#accept(payload)),
          )
        return
      }
      default:
        send(response, 404, { ErrorCode: 0, Message: 'Not found' })
    }
  }

  #accept(payload: Payload): { ErrorCode: number; Message: string; [key: string]: unknown } {
    const lists = [payload.To, payload.Cc, payload.Bcc].map((list) => addressparser(list ?? '', { flatten: true }))
    const to = lists.flat().map(({ address }) => address)
    if (to.length === 0 || to.some((address) => !/^[^@\s]+@[^@\s]+$/.test(address))) {
      return { ErrorCode: 300, Message: `Invalid 'To' address: '${payload.To}'.` }
    }
    if (to.length > 50) return { ErrorCode: 300, Message: 'Maximum of 50 recipients allowed per email message.' }
    if (payload.HtmlBody === undefined && payload.TextBody === undefined && payload.TemplateAlias === undefined) {
      return { ErrorCode: 300, Message: 'Provide either email TextBody or HtmlBody or both.' }
    }
    if (payload.TemplateAlias === 'missing') {
      return { ErrorCode: 1101, Message: 'The template was not found.' }
    }
    const bounced = to.filter((address) => this.inactive.has(address.toLowerCase()))
    const list = bounced.map((address) => address.toLowerCase()).join(', ')
    if (bounced.length === to.length) {
      return {
        ErrorCode: 406,
        Message: `You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ${list}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.`,
      }
    }
    const id = randomUUID()
    this.accepted.push({ id, to, at: Date.now(), payload })
    const warning = `Message OK, but will not deliver to these inactive addresses: ${list}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.`
    return {
      To: payload.To,
      SubmittedAt: new Date().toISOString(),
      MessageID: id,
      ErrorCode: 0,
      Message: bounced.length === 0 ? 'OK' : warning,
    }
  }

  #search(query: URLSearchParams): unknown {
    const [field, value] = [...query].find(([name]) => name.startsWith('metadata_')) ?? []
    const key = field?.slice('metadata_'.length) ?? ''
    const found = this.accepted.filter(
      ({ payload, at }) => payload.Metadata?.[key] === value && at + this.searchLagMs <= Date.now(),
    )
    return {
      TotalCount: found.length,
      Messages: found.slice(0, Number(query.get('count'))).map(({ id, payload }) => ({
        MessageID: id,
        Metadata: payload.Metadata,
        Status: 'Sent',
      })),
    }
  }

  #fail(fault: StandInFault, request: IncomingMessage, response: ServerResponse): void {
    switch (fault.kind) {
      case 'status':
        send(response, fault.status, { ErrorCode: 0, Message: 'Fault' }, fault.headers)
        return
      case 'refusal':
        send(response, fault.status, { ErrorCode: fault.code, Message: fault.message })
        return
      case 'html':
        response.writeHead(fault.status, { 'content-type': 'text/html' }).end('<html><h1>Bad Gateway</h1></html>')
        return
      case 'empty':
        response.writeHead(200).end()
        return
      case 'stalled-body':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '200' })
        response.write('{"ErrorCode":0,')
        return
      case 'reset-after':
        request.socket.resetAndDestroy()
        return
      default: // the head is stalled: no answer at all
    }
  }
}

function messagesOf(parsed: unknown): readonly Payload[] {
  if (Array.isArray(parsed)) return parsed as Payload[]
  if (typeof parsed !== 'object' || parsed === null) return []
  return 'Messages' in parsed ? (parsed.Messages as Payload[]) : [parsed as Payload]
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
