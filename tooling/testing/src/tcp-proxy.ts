import { connect as connectTo, createServer, type Server as NetServer, type Socket } from 'node:net'
import { FlowGate, type FlowRules } from './flow-gate.js'

/** A TCP proxy on loopback that does to a connection what networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** The target's URL with the proxy's address in it; `127.0.0.1:PORT` when the target was given as such. */
  readonly url: string
  /** Lets everything pass again, at once; connections held by `blackHole` go on. */
  pass(): Promise<void>
  /** New connections are refused (ECONNREFUSED), open ones are reset. */
  refuse(): Promise<void>
  /** Accepts, and lets nothing through in either direction. */
  blackHole(): Promise<void>
  /** Resets (RST) open connections, and new ones as soon as they are made. */
  reset(): Promise<void>
  /** Passes, each piece of an answer later by `ms`: a round trip takes that much longer. */
  delay(ms: number): Promise<void>
  /** Resets the open connections only; new ones pass as before. */
  cut(): void
  /** Loses the server's side of the open connections without telling the clients: what they write goes nowhere, for ever. */
  halfOpen(): void
  /** Connections accepted since the start. */
  readonly accepted: number
  /** Connections open now. */
  readonly open: number
  /** Bytes that clients sent to the target. */
  readonly bytesSent: number
  /** Bytes that the target sent to clients. */
  readonly bytesReceived: number
  close(): Promise<void>
}

/** Opens a proxy on a free loopback port in front of `target`: a server, or a URL or `host:port`. */
export async function tcpProxy(
  target: string | { readonly host: string; readonly port: number; readonly url?: string },
): Promise<TcpProxy> {
  const url = typeof target === 'string' ? target : (target.url ?? `${target.host}:${target.port}`)
  const proxy = new FaultyNetwork(parseTarget(target), url)
  await proxy.listen()
  return proxy
}

interface Address {
  readonly host: string
  readonly port: number
}

function parseTarget(target: string | Address): Address {
  if (typeof target !== 'string') return { host: target.host, port: target.port }
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`)
  if (port === '') throw new Error('The target of a proxy needs a port.')
  return { host: hostname, port: Number(port) }
}

/** A connection of a client, the one made for it to the target, and what stands between them. */
interface Link {
  readonly client: Socket
  readonly target: Socket
  readonly gates: readonly [up: FlowGate, down: FlowGate]
}

type Fault = 'pass' | 'refuse' | 'blackHole' | 'reset'

class FaultyNetwork implements TcpProxy {
  readonly host = '127.0.0.1'
  readonly #target: Address
  readonly #targetUrl: string
  readonly #clients = new Set<Socket>()
  readonly #links = new Set<Link>()
  readonly #waiting: Socket[] = []
  #listener: NetServer | undefined
  #port = 0
  #fault: Fault = 'pass'
  #delayMs = 0
  accepted = 0
  bytesSent = 0
  bytesReceived = 0

  constructor(target: Address, url: string) {
    this.#target = target
    this.#targetUrl = url
  }

  get port(): number {
    return this.#port
  }

  get open(): number {
    return this.#clients.size
  }

  get url(): string {
    const { host, port } = this.#target
    return this.#targetUrl.replace(`${host}:${port}`, `${this.host}:${this.#port}`)
  }

  async pass(): Promise<void> {
    await this.#become('pass', 0)
  }

  async delay(ms: number): Promise<void> {
    await this.#become('pass', ms)
  }

  async blackHole(): Promise<void> {
    await this.#become('blackHole', 0)
  }

  async reset(): Promise<void> {
    await this.#become('reset', 0)
  }

  async refuse(): Promise<void> {
    await this.#become('refuse', 0)
  }

  cut(): void {
    for (const client of this.#clients) reset(client)
  }

  halfOpen(): void {
    for (const link of this.#links) {
      const { client, target, gates } = link
      this.#links.delete(link)
      target.destroy()
      client.unpipe(gates[0])
      client.resume()
    }
  }

  async close(): Promise<void> {
    this.#fault = 'refuse'
    this.cut()
    await this.#unlisten()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const listener = createServer({ noDelay: true, pauseOnConnect: true }, (client) => this.#accept(client))
      listener.once('error', reject)
      listener.listen({ host: this.host, port: this.#port }, () => {
        const address = listener.address()
        if (address !== null && typeof address === 'object') this.#port = address.port
        resolve()
      })
      listener.unref()
      this.#listener = listener
    })
  }

  async #become(fault: Fault, delayMs: number): Promise<void> {
    this.#fault = fault
    this.#delayMs = delayMs
    if (fault === 'refuse' || fault === 'reset') this.cut()
    if (fault === 'refuse') await this.#unlisten()
    else if (!this.#listener) await this.listen()
    for (const { gates } of this.#links) for (const gate of gates) gate.update()
    if (fault === 'pass') for (const client of this.#waiting.splice(0)) if (!client.destroyed) this.#link(client)
  }

  #unlisten(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    return new Promise((resolve) => (listener ? listener.close(() => resolve()) : resolve()))
  }

  #accept(client: Socket): void {
    this.accepted++
    this.#clients.add(client)
    client.on('error', () => {})
    client.once('close', () => this.#clients.delete(client))
    if (this.#fault === 'reset' || this.#fault === 'refuse') reset(client)
    else if (this.#fault === 'blackHole') this.#waiting.push(client)
    else this.#link(client)
  }

  #link(client: Socket): void {
    const target = connectTo({ ...this.#target, noDelay: true })
    const rules = (delayMs: number): FlowRules => ({ isHeld: this.#fault === 'blackHole', delayMs })
    const up = new FlowGate(
      () => rules(0),
      (bytes) => {
        this.bytesSent += bytes
      },
    )
    const down = new FlowGate(
      () => rules(this.#delayMs),
      (bytes) => {
        this.bytesReceived += bytes
      },
    )
    const link: Link = { client, target, gates: [up, down] }
    this.#links.add(link)
    // What one side does, the other sees: an end is passed on by the pipes, a break as a reset.
    target.on('error', () => reset(client))
    target.once('close', () => {
      if (this.#links.has(link) && !down.writableEnded) down.end()
    })
    client.once('close', () => {
      this.#links.delete(link)
      for (const part of [target, up, down]) part.destroy()
    })
    client.pipe(up).pipe(target)
    target.pipe(down).pipe(client)
  }
}

/** Breaks a connection off. One that is being ended already cannot be reset any more: its handle would never be closed. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
