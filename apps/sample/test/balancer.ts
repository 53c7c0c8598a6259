import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const PROBE_EVERY_MS = 25

/**
 * Stands before the web processes as a load balancer does: asks each for its readiness, sends requests in turn to those
 * that are ready, and never a second time. Each caller keeps an address of its own, which is told by `x-caller`.
 */
export class Balancer {
  readonly #targets = new Map<string, boolean>()
  readonly #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing))
  #turn = 0
  #probing: NodeJS.Timeout | undefined

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#probing = setInterval(() => void this.#probeAll(), PROBE_EVERY_MS)
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Sends requests to `url` as soon as it is ready; resolves then. */
  async add(url: string): Promise<void> {
    this.#targets.set(url, false)
    while (this.#targets.get(url) === false) await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS))
  }

  remove(url: string): void {
    this.#targets.delete(url)
  }

  async close(): Promise<void> {
    clearInterval(this.#probing)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #probeAll(): Promise<void> {
    await Promise.all([...this.#targets.keys()].map((url) => this.#probe(url)))
  }

  async #probe(url: string): Promise<void> {
    const ready = await fetch(`${url}/readyz`, { headers: { connection: 'close' } }).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (this.#targets.has(url)) this.#targets.set(url, ready)
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ready = [...this.#targets].filter(([, isReady]) => isReady).map(([url]) => url)
    const target = ready[this.#turn++ % Math.max(1, ready.length)]
    if (target === undefined) return void outgoing.writeHead(502).end('nobody is ready')
    const { 'x-caller': caller, ...headers } = incoming.headers
    const options = { method: incoming.method, headers: { ...headers, connection: 'close' }, agent: false } as const
    const passed = request(
      `${target}${incoming.url}`,
      { ...options, ...(typeof caller === 'string' ? { localAddress: caller } : {}) },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
        answer.on('error', () => outgoing.destroy())
      },
    )
    passed.on('error', (error) => {
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(502).end(String(error))
    })
    incoming.pipe(passed)
  }
}
