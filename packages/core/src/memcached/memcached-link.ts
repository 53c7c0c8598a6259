import type { Socket } from 'node:net'
import type { Response, Server } from 'memjs'
import { withDeadline } from '../deadline.js'
import type { Endpoint } from '../endpoint.js'
import { loadMemjs } from './load-memjs.js'
import { MemcachedStatusError } from './memcached-errors.js'
import { Opcode, Status } from './memcached-wire.js'

/** One server, and who we are there. Holds a plain password: never log it. */
export interface MemcachedServer extends Endpoint {
  readonly username: string | undefined
  readonly password: string | undefined
}

/** A request of the binary protocol. */
export interface WireRequest {
  readonly opcode: number
  readonly key?: string
  readonly extras?: Buffer
  readonly value?: Buffer
  /** Only if the item's version is still this one. */
  readonly version?: Buffer | undefined
}

/** How long connecting may take, and who is told when the connection breaks later. */
export interface ConnectOptions {
  readonly timeoutMs: number
  readonly onDead: (error: unknown) => void
  /** The number before that of the first request. Default 0. */
  readonly firstOpaque?: number
}

/** memjs must never end a call by itself: it would drop the connection of everyone. About 23 days, the most a timer takes. */
const NEVER_SECONDS = 2_000_000
/** The request that stands for the connection itself: it is never sent, and fails when the connection does. */
const CONNECTION = 0
const LAST_OPAQUE = 0x7fff_ffff

/**
 * One connection to one server, used until it breaks and never after.
 *
 * memjs is asked for the protocol only. A server object that lost its connection is thrown away: on the next one it would
 * read the old half-received answer, and after SASL it would send old requests again. Requests are numbered here, because
 * memjs runs out of numbers after 2^31.
 */
export class MemcachedLink {
  readonly #server: Server
  #socket: Socket | undefined
  #opaque: number
  #dead = false

  private constructor(server: Server, firstOpaque: number) {
    this.#server = server
    this.#opaque = firstOpaque
  }

  /** Connects and authenticates. Rejects when that takes longer than `timeoutMs`; `onDead` is told once, also then. */
  static async connect(target: MemcachedServer, options: ConnectOptions): Promise<MemcachedLink> {
    const server = createServer(target)
    const link = new MemcachedLink(server, options.firstOpaque ?? CONNECTION)
    const connected = new Promise<void>((resolve, reject) => {
      server.onError(CONNECTION, (error) => {
        link.#dead = true
        reject(error)
        options.onDead(error)
      })
      server.sock(false, (socket) => {
        socket.setNoDelay(true)
        link.#socket = socket
        resolve()
      })
      // the server's FIN reaches nobody in memjs: every call would wait for ever
      socketOf(server)?.once('close', () => link.destroy(closedError('Memcached closed the connection.')))
    })
    const onDeadline = (): Error => closedError(`No connection within ${options.timeoutMs} ms.`, 'ETIMEDOUT')
    try {
      await withDeadline(connected, { deadlineMs: options.timeoutMs, onDeadline })
    } catch (error) {
      link.destroy(error)
      throw error
    }
    return link
  }

  /** Sends a request and answers the server's answer when its status is one of `accept`; else rejects. */
  async send(request: WireRequest, accept: readonly number[] = [Status.ok]): Promise<Response> {
    const response = await new Promise<Response>((resolve, reject) => {
      const opaque = this.#nextOpaque()
      this.#server.onResponse(opaque, resolve)
      this.#server.onError(opaque, reject)
      this.#write(encode(request, opaque))
    })
    const { status } = response.header
    if (!accept.includes(status)) throw new MemcachedStatusError(status)
    return response
  }

  /** Sends a request that is answered by many lines, and gathers them. */
  gather(request: WireRequest): Promise<Readonly<Record<string, string>>> {
    return new Promise((resolve, reject) => {
      const lines: Record<string, string> = {}
      const opaque = this.#nextOpaque()
      const onLine = (response: Response): void => {
        if (response.header.status !== Status.ok) reject(new MemcachedStatusError(response.header.status))
        else if (response.header.totalBodyLength === 0) resolve(lines)
        else lines[response.key.toString()] = response.val.toString()
      }
      this.#server.onResponse(opaque, Object.assign(onLine, { quiet: true }))
      this.#server.onError(opaque, reject)
      this.#write(encode(request, opaque))
    })
  }

  /** Breaks the connection: everything under way rejects with `error`. Safe to call twice. */
  destroy(error: unknown): void {
    this.#dead = true
    this.#server.error(error as Error)
  }

  #write(request: Buffer): void {
    if (this.#dead) {
      this.#server.error(closedError('The connection is closed.'))
      return
    }
    this.#gatherWrites()
    this.#server.write(request)
  }

  /** Requests of the same turn leave in one packet. */
  #gatherWrites(): void {
    const socket = this.#socket
    if (socket === undefined || socket.writableCorked > 0) return
    socket.cork()
    process.nextTick(() => socket.uncork())
  }

  #nextOpaque(): number {
    this.#opaque = this.#opaque === LAST_OPAQUE ? 1 : this.#opaque + 1
    return this.#opaque
  }
}

/** Asks a server for its version: the cheapest proof that it is Memcached and lets us in. */
export async function verifyMemcached(link: MemcachedLink): Promise<void> {
  await link.send({ opcode: Opcode.version })
}

function createServer({ host, port, username, password }: MemcachedServer): Server {
  const { Server } = loadMemjs()
  const server = new Server(host, port, username, password, {
    timeout: NEVER_SECONDS,
    conntimeout: NEVER_SECONDS,
    keepAlive: true,
    keepAliveDelay: 30,
  })
  // memjs falls back on variables of the environment that nobody set for us
  return Object.assign(server, { username, password })
}

function encode({ opcode, key = '', extras, value, version }: WireRequest, opaque: number): Buffer {
  const { Utils } = loadMemjs()
  const request = Utils.makeRequestBuffer(opcode, key, extras ?? '', value ?? '', opaque)
  version?.copy(request, 16, 0, 8)
  return request
}

/** memjs does not hand out a socket before it is connected, and a lost one is the first thing to know. */
function socketOf(server: Server): Socket | undefined {
  return Reflect.get(server, '_socket') as Socket | undefined
}

function closedError(message: string, code = 'ECONNRESET'): Error {
  return Object.assign(new Error(message), { code })
}
