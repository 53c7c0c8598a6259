import { reveal, type Secret } from '@plinth/config/secret'
import { MissingDependencyError } from '@plinth/core'
import type { Message as PostmarkClientMessage, ServerClient, TemplatedMessage } from 'postmark'
import { EmailError } from '../../email-error.js'
import type { Message } from '../../message/message.js'
import type {
  BatchItem,
  Delivery,
  EmailTransport,
  TransportBatch,
  TransportCall,
  TransportLookup,
} from '../../transport.js'
import { type PostmarkAnswer, readAnswer } from './postmark-delivery.js'
import { requestError } from './postmark-error.js'
import { KEY_FIELD, toPostmark } from './postmark-message.js'
import { splitBatch } from './split-batch.js'
import { WatchedFetch } from './watched-fetch.js'

/** Options of {@link postmarkTransport}. */
export interface PostmarkTransportOptions {
  /** The token of the Postmark server, as text or as a `Secret`. `POSTMARK_API_TEST` checks messages and sends nothing. */
  readonly serverToken: string | Secret<string>
  /** Where the API is. Default `https://api.postmarkapp.com`; plain http only to this machine. */
  readonly endpoint?: string
  /** How long after an attempt Postmark's search is sure to know its message. Default 30 s. */
  readonly searchLagMs?: number
}

const DEFAULT_ENDPOINT = 'https://api.postmarkapp.com'
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * A transport to Postmark. Needs the peer `postmark` (5 or later), loaded at the first use.
 *
 * An answer it understands says exactly what became of each recipient. A failure says whether anything was sent:
 * certainly not while the request's head was not written; nobody knows after that, and {@link TransportLookup} can ask.
 *
 * @throws EmailError of kind `config` for a token or an endpoint that cannot be one.
 */
export function postmarkTransport(options: PostmarkTransportOptions): EmailTransport {
  return new PostmarkTransport(options)
}

class PostmarkTransport implements EmailTransport {
  readonly name = 'postmark'
  readonly delivers = true
  readonly target: string
  readonly batch: TransportBatch = {
    split: (items) => splitBatch(items),
    send: (items, signal) => this.#sendBatch(items, signal),
  }
  readonly lookup: TransportLookup
  readonly #token: string
  readonly #endpoint: URL
  readonly #watched = new WatchedFetch()
  #client: Promise<ServerClient> | undefined

  constructor(options: PostmarkTransportOptions) {
    this.#token = checkToken(reveal(options.serverToken))
    this.#endpoint = checkEndpoint(options.endpoint ?? DEFAULT_ENDPOINT)
    this.target = this.#endpoint.host
    this.lookup = {
      settleMs: options.searchLagMs ?? 30_000,
      find: (key, message, signal) => this.#find(key, message, signal),
    }
  }

  async send(message: Message, call: TransportCall): Promise<Delivery> {
    const payload = toPostmark({ message, key: call.key })
    const answer = await this.#ask<PostmarkAnswer>(call.signal, (client) =>
      message.content.kind === 'rendered'
        ? client.sendEmail(payload as PostmarkClientMessage)
        : client.sendEmailWithTemplate(payload as TemplatedMessage),
    )
    const delivery = readAnswer(answer, message)
    if (delivery instanceof EmailError) throw delivery
    return delivery
  }

  async verify(signal: AbortSignal): Promise<void> {
    await this.#ask(signal, (client) => client.getServer())
  }

  async close(): Promise<void> {
    this.#watched.stop()
  }

  async #sendBatch(items: readonly BatchItem[], signal: AbortSignal): Promise<readonly (Delivery | EmailError)[]> {
    const payload = items.map(toPostmark)
    const rendered = items[0]?.message.content.kind === 'rendered'
    const answers = await this.#ask<readonly PostmarkAnswer[]>(signal, (client) =>
      rendered
        ? client.sendEmailBatch(payload as PostmarkClientMessage[])
        : client.sendEmailBatchWithTemplates(payload as TemplatedMessage[]),
    )
    return items.map(({ message }, index) => readAnswer(Array.isArray(answers) ? answers[index] : undefined, message))
  }

  async #find(key: string, message: Message, signal: AbortSignal): Promise<Delivery | undefined> {
    // https://postmarkapp.com/support/article/1125-custom-metadata-faq: one metadata field can be searched at a time.
    const filter = {
      count: 1,
      offset: 0,
      [`metadata_${KEY_FIELD}`]: key,
      ...(message.stream === undefined ? {} : { messagestream: message.stream }),
    }
    const found = await this.#ask(signal, (client) => client.getOutboundMessages(filter))
    const id = found.Messages?.[0]?.MessageID
    const delivery = id === undefined ? undefined : readAnswer({ ErrorCode: 0, MessageID: id }, message)
    return delivery instanceof EmailError ? undefined : delivery
  }

  /** Makes one call through the client and turns whatever goes wrong into an {@link EmailError}. */
  async #ask<Result>(signal: AbortSignal, call: (client: ServerClient) => Promise<Result>): Promise<Result> {
    const client = await this.#open()
    const { facts, outcome } = await this.#watched.watch(signal, () => call(client))
    if (outcome.status === 'fulfilled') return outcome.value
    throw requestError(facts, outcome.reason, signal)
  }

  #open(): Promise<ServerClient> {
    this.#client ??= this.#load().catch((error: unknown) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async #load(): Promise<ServerClient> {
    let Client: typeof ServerClient
    try {
      const loaded = await import('postmark')
      Client = loaded.ServerClient
    } catch (error) {
      throw new MissingDependencyError('The postmark transport', ['postmark'], error)
    }
    return new Client(this.#token, {
      useHttps: this.#endpoint.protocol === 'https:',
      requestHost: this.#endpoint.host,
      fetch: this.#watched.fetch,
    })
  }
}

function checkToken(token: string): string {
  // The client puts it into a header, and a header's error message would quote it.
  if (/^[\x21-\x7e]{1,200}$/.test(token)) return token
  throw new EmailError('config', 'The Postmark server token is empty or has characters that no token has.')
}

function checkEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (url !== undefined && safe && url.pathname === '/') return url
  throw new EmailError('config', 'The Postmark endpoint must be an https address without a path.')
}
