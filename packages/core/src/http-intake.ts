import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Intake } from './infra-host.js'

/**
 * Gives a Node server as what takes work in: stopped, it answers what it has accepted, and no connection outlives its last answer.
 *
 * Answers that are still to be sent say `Connection: close`, so that clients do not ask again where nobody listens, and Node does not
 * keep a connection for its keep-alive time. To be made before the server listens.
 */
export function httpIntake(server: Server): Intake {
  const connections = new ServerConnections(server)
  return {
    name: 'http',
    async stop(signal) {
      const letGo = () => server.closeAllConnections()
      signal.addEventListener('abort', letGo, { once: true })
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        connections.windDown()
        if (signal.aborted) letGo()
      })
      signal.removeEventListener('abort', letGo)
    },
  }
}

/** How long a connection that was opened but has not asked anything is still waited for, in milliseconds: its request may be on the way. */
const UNASKED_GRACE_MS = 500

/** Which connections a server has, and the last answer of each. */
class ServerConnections {
  readonly #lastAnswers = new Map<Socket, ServerResponse | undefined>()
  #isWindingDown = false

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.#add(socket))
    // TLS: only this socket is the one that requests name
    server.on('secureConnection', (socket: Socket) => this.#add(socket))
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#lastAnswers.set(request.socket, response)
      if (this.#isWindingDown) endAfter(response, request.socket)
    })
  }

  /** From now on every connection ends with the answer that is under way on it, or to its next request. */
  windDown(): void {
    this.#isWindingDown = true
    for (const [socket, response] of this.#lastAnswers) {
      if (response !== undefined) endAfter(response, socket)
    }
    // what has come meanwhile is read before it is looked at
    setTimeout(() => setImmediate(() => this.#dropUnasked()), UNASKED_GRACE_MS).unref()
  }

  #dropUnasked(): void {
    for (const [socket, response] of this.#lastAnswers) {
      if (response === undefined && socket.bytesRead === 0) socket.destroy()
    }
  }

  #add(socket: Socket): void {
    this.#lastAnswers.set(socket, undefined)
    socket.once('close', () => this.#lastAnswers.delete(socket))
  }
}

function endAfter(response: ServerResponse, socket: Socket): void {
  if (response.writableFinished) return
  if (!response.headersSent) response.setHeader('connection', 'close')
  else response.once('finish', () => socket.destroySoon())
}
