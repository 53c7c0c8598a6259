import type { AddressInfo, Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A message that a server took. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** The message as it came over the wire: headers, blank line, body. */
  readonly raw: string
}

/** What the server does with the next message. */
export type SmtpFault =
  | 'stall-after-data'
  | 'reset-after-data'
  | 'reset-in-data'
  | { readonly at: 'rcpt' | 'data'; readonly code: number; readonly only?: string }

/** A real SMTP server in this process, with faults on demand. */
export class TestSmtpServer {
  readonly received: ReceivedMail[] = []
  readonly faults: SmtpFault[] = []
  /** How many messages were begun (DATA). */
  attempts = 0
  readonly #server: SMTPServer
  readonly #sockets = new Set<Socket>()

  constructor(options: SMTPServerOptions = {}) {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      logger: false,
      onAuth: ({ username, password }, _session, callback) => {
        if (username === 'user' && password === 'correct horse') callback(null, { user: username })
        else callback(new Error('Invalid username or password'))
      },
      onRcptTo: (address, _session, callback) => {
        const fault = this.faults[0]
        const applies =
          typeof fault === 'object' && fault.at === 'rcpt' && (fault.only ?? address.address) === address.address
        if (applies && fault.only === undefined) this.faults.shift()
        callback(applies ? refusal(fault.code) : null)
      },
      onData: (stream, session, callback) => {
        this.attempts++
        const fault = this.faults.shift()
        const socket = [...this.#sockets].at(-1)
        if (fault === 'reset-in-data') {
          // Nothing is read, so the client cannot get rid of the end of a long message before the reset.
          setTimeout(() => socket?.resetAndDestroy(), 200)
          return
        }
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          if (typeof fault === 'object' && fault.at === 'data') return callback(refusal(fault.code))
          this.received.push({
            from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
            to: session.envelope.rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks).toString('utf8'),
          })
          if (fault === 'reset-after-data') socket?.resetAndDestroy()
          else if (fault !== 'stall-after-data') callback()
        })
      },
      ...options,
    })
    this.#server.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('error', () => {})
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  /** Its address, with a login if given. */
  url(login = ''): string {
    return `smtp://${login}127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function refusal(responseCode: number): Error {
  return Object.assign(new Error('Refused by the test'), { responseCode })
}
