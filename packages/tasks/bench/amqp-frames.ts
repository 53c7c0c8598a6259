import { connect, createServer, type Server, type Socket } from 'node:net'

/** The methods that a task or a message may cost, by class and method id (AMQP 0-9-1, 1.8). */
const METHODS: Readonly<Record<string, string>> = {
  '60.40': 'publish',
  '60.60': 'deliver',
  '60.80': 'ack',
  '50.10': 'declare',
}

/** A proxy that counts the methods that clients and the server send each other. For counting, not for timing. */
export class FrameCounter {
  readonly counts: Record<string, number> = {}
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, host)
      for (const [from, to, skip] of [
        [client, server, 8], // the protocol header
        [server, client, 0],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
        this.#count(from, skip, from === client ? '' : 'server ')
        from.pipe(to)
      }
    })
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #count(from: Socket, skip: number, who: string): void {
    let buffered = Buffer.alloc(0)
    let left = skip
    from.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk])
      if (left > 0 && buffered.length >= left) {
        buffered = buffered.subarray(left)
        left = 0
      }
      // A frame: type, channel (2), size (4), payload, end mark.
      while (left === 0 && buffered.length >= 8) {
        const size = buffered.readUInt32BE(3) + 8
        if (buffered.length < size) return
        if (buffered[0] === 1) {
          const id = `${buffered.readUInt16BE(7)}.${buffered.readUInt16BE(9)}`
          const name = METHODS[id]
          if (name !== undefined) this.counts[`${who}${name}`] = (this.counts[`${who}${name}`] ?? 0) + 1
        }
        buffered = buffered.subarray(size)
      }
    })
  }
}
