import type { Readable } from 'node:stream'
import { reveal, type Secret } from '@plinth/config/secret'
import { MissingDependencyError } from '@plinth/core'
import type { SendMailOptions, SMTPPoolOptions, SMTPPoolSentMessageInfo, Transporter } from 'nodemailer'
import { addressKey } from '../../message/address.js'
import { type Message, recipientsOf } from '../../message/message.js'
import type { RecipientOutcome } from '../../send-result.js'
import type { Delivery, EmailTransport, TransportCall } from '../../transport.js'
import { smtpError } from './smtp-error.js'
import { toSmtp } from './smtp-message.js'
import { parseSmtpUrl, type SmtpServer } from './smtp-server-url.js'

/** Options of {@link smtpTransport}. */
export interface SmtpTransportOptions {
  /** `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`, as text or as a `Secret`. */
  readonly url: string | Secret<string>
  /** How many connections it keeps. Default 5. */
  readonly connections?: number
  /**
   * Whether to send nothing without TLS. Default: when the address has a password and the server is not this machine.
   */
  readonly requireTls?: boolean
}

/**
 * A transport to a mail server, over a pool of connections. Needs the peer `nodemailer` (10 or later), loaded at the
 * first use.
 *
 * SMTP cannot be asked what became of a message: after an ambiguous failure a key is never used again. The Message-ID is
 * made from the key, so that a receiver can tell a repetition.
 *
 * @throws EmailError of kind `config` for an address that cannot be one.
 */
export function smtpTransport(options: SmtpTransportOptions): EmailTransport {
  return new SmtpTransport(options)
}

type Pool = Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>

/** Put beside a mail's fields to see how far it got. */
interface Watched {
  stream?: Readable
}

const CONNECT_TIMEOUT_MS = 10_000
const SOCKET_TIMEOUT_MS = 60_000

class SmtpTransport implements EmailTransport {
  readonly name = 'smtp'
  readonly delivers = true
  readonly target: string
  readonly #server: SmtpServer
  readonly #connections: number
  #pool: Promise<Pool> | undefined

  constructor(options: SmtpTransportOptions) {
    const server = parseSmtpUrl(reveal(options.url))
    this.#server = { ...server, requireTLS: options.requireTls ?? server.requireTLS }
    this.#connections = options.connections ?? 5
    this.target = `${server.host}:${server.port}`
  }

  async send(message: Message, { signal, key }: TransportCall): Promise<Delivery> {
    const mail = toSmtp(message, key)
    const pool = await this.#open()
    const watched: Watched = {}
    try {
      const info = await raceSignal(pool.sendMail({ ...mail, signal, plinth: watched } as SendMailOptions), signal)
      return readInfo(info, message)
    } catch (error) {
      // The connection ends the message with a dot only once all of it has been read.
      throw smtpError(error, { handedOver: watched.stream?.readableEnded === true, signal })
    }
  }

  async verify(signal: AbortSignal): Promise<void> {
    const pool = await this.#open()
    try {
      await raceSignal(pool.verify(), signal)
    } catch (error) {
      throw smtpError(error, { handedOver: false, signal })
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined)
    this.#pool = undefined
    pool?.close()
  }

  #open(): Promise<Pool> {
    this.#pool ??= this.#load().catch((error: unknown) => {
      this.#pool = undefined
      throw error
    })
    return this.#pool
  }

  async #load(): Promise<Pool> {
    const { createTransport } = await import('nodemailer').catch((error: unknown) => {
      throw new MissingDependencyError('The smtp transport', ['nodemailer'], error)
    })
    const { host, port, secure, requireTLS, auth } = this.#server
    const pool = createTransport({
      pool: true,
      host,
      port,
      secure,
      requireTLS,
      auth,
      maxConnections: this.#connections,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    pool.use('stream', (mail, done) => {
      const watched = (mail.data as { readonly plinth?: Watched }).plinth
      mail.message.processFunc((stream: Readable) => {
        if (watched !== undefined) watched.stream = stream
        return stream
      })
      done()
    })
    return pool
  }
}

function readInfo(info: SMTPPoolSentMessageInfo, message: Message): Delivery {
  const rejected = new Set((info.rejected ?? []).map((address) => addressKey(String(address))))
  const recipients = recipientsOf(message).map(
    ({ address }): RecipientOutcome => ({
      address,
      outcome: rejected.has(addressKey(address)) ? 'invalid' : 'accepted',
    }),
  )
  return { id: info.messageId.replace(/^<|>$/g, ''), recipients }
}

/** Ends the wait when the signal fires, also for a client that does not heed it. */
async function raceSignal<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
