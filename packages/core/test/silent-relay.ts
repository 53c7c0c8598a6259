import { connect, createServer, type Server, type Socket } from 'node:net'

interface Line {
  readonly client: Socket
  readonly server: Socket
  /** Whoever wrote last; the other one has not answered yet. */
  lastFrom: 'nobody' | 'client' | 'server'
  isLost: boolean
}

/** A way to a server that falls silent or refuses, and knows at any moment whether the server owes somebody an answer. */
export class SilentRelay {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #lines = new Set<Line>()
  #listener: Server | undefined
  #isSilent = false
  port = 0
  /** Connections so far. */
  accepted = 0
  /** Pieces that clients wrote while it was silent. */
  unheard = 0

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
  }

  /** Whether somebody waits for the server: for nothing but this machine. */
  get isBusy(): boolean {
    return [...this.#lines].some(({ isLost, lastFrom }) => !isLost && lastFrom !== 'server')
  }

  /** Serves; what was connected in a silence stays lost, as its packets are. */
  async serve(): Promise<void> {
    this.#isSilent = false
    await this.#listen()
  }

  /** Accepts, and loses whatever is written, also on the connections that are there. */
  async fallSilent(): Promise<void> {
    this.#isSilent = true
    for (const line of this.#lines) line.isLost = true
    await this.#listen()
  }

  /** Nobody listens, and the connections that are there are reset. */
  async refuse(): Promise<void> {
    for (const { client } of this.#lines) client.resetAndDestroy()
    const listener = this.#listener
    this.#listener = undefined
    await new Promise<void>((resolve) => (listener === undefined ? resolve() : listener.close(() => resolve())))
  }

  #listen(): Promise<void> {
    if (this.#listener !== undefined) return Promise.resolve()
    const listener = createServer({ noDelay: true }, (client) => this.#accept(client))
    this.#listener = listener
    return new Promise((resolve) => {
      listener.listen(this.port, '127.0.0.1', () => {
        const address = listener.address()
        if (address !== null && typeof address === 'object') this.port = address.port
        resolve()
      })
    })
  }

  #accept(client: Socket): void {
    this.accepted += 1
    const server = connect({ ...this.#target, noDelay: true })
    const line: Line = { client, server, lastFrom: 'nobody', isLost: this.#isSilent }
    this.#lines.add(line)
    client.on('data', (piece) => {
      line.lastFrom = 'client'
      if (line.isLost) this.unheard += 1
      else server.write(piece)
    })
    server.on('data', (piece) => {
      line.lastFrom = 'server'
      if (!line.isLost) client.write(piece)
    })
    client.on('error', () => {})
    server.on('error', () => client.destroy())
    server.on('close', () => {
      if (!line.isLost) client.destroy()
    })
    client.on('close', () => {
      this.#lines.delete(line)
      server.destroy()
    })
  }
}
