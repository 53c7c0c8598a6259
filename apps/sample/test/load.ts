import { Client } from './client.js'

/** What the callers did and saw. */
export interface LoadReport {
  readonly requests: number
  /** Every answer that was not the right one, in words. */
  readonly failures: readonly string[]
  /** The exports that were accepted. */
  readonly exports: readonly { readonly id: string; readonly apiKey: string }[]
  /** Whom the welcome mail was promised to. */
  readonly addresses: readonly string[]
}

/**
 * Callers that use the service without a pause until they are stopped: each signs up, writes, reads back what it wrote,
 * starts an export, and takes its post away again.
 */
export class Load {
  readonly #url: string
  readonly #failures: string[] = []
  readonly #exports: { id: string; apiKey: string }[] = []
  readonly #addresses: string[] = []
  readonly #running: Promise<unknown>
  #requests = 0
  #stopping = false

  constructor(url: string, { callers }: { readonly callers: number }) {
    this.#url = url
    this.#running = Promise.all(Array.from({ length: callers }, (_, number) => this.#call(number)))
  }

  /** Lets every caller finish what it is at. */
  async stop(): Promise<LoadReport> {
    this.#stopping = true
    await this.#running
    return {
      requests: this.#requests,
      failures: this.#failures,
      exports: this.#exports,
      addresses: this.#addresses,
    }
  }

  async #call(number: number): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      // An address of its own each time: sign-ups are limited by it.
      const client = new Client(this.#url, undefined, {
        'x-caller': `127.${number + 1}.${turn >> 8}.${turn & 255 || 1}`,
      })
      await this.#useOnce(client).catch((error: unknown) => this.#failures.push(String(error)))
    }
  }

  async #useOnce(anybody: Client): Promise<void> {
    const email = `member-${crypto.randomUUID()}@example.com`
    const { member, apiKey } = await this.#ask(anybody, 201, 'POST', '/members', { name: 'Ada', email })
    this.#addresses.push(email)
    const client = anybody.as(apiKey)
    const { id } = await this.#ask(client, 201, 'POST', '/posts', { title: 'One', body: 'Text' })
    await this.#expectTitle(anybody, id, 'One')
    await this.#ask(client, 200, 'PUT', `/posts/${id}`, { title: 'Two', body: 'Text' })
    await this.#expectTitle(anybody, id, 'Two')
    const started = await this.#ask(client, 202, 'POST', '/exports')
    this.#exports.push({ id: started.id, apiKey })
    await this.#ask(anybody, 200, 'GET', `/members/${member.id}/feed`)
    await this.#ask(client, 204, 'DELETE', `/posts/${id}`)
    await new Promise((resolve) => setTimeout(resolve, 500)) // exports take longer than the rest
  }

  async #expectTitle(client: Client, id: number, title: string): Promise<void> {
    const { title: seen } = await this.#ask(client, 200, 'GET', `/posts/${id}`)
    if (seen !== title) this.#failures.push(`post ${id} was "${seen}" instead of "${title}"`)
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a service answers is looked at, not typed
  async #ask(client: Client, status: number, method: string, path: string, body?: unknown): Promise<any> {
    this.#requests++
    const answer = await client.ask(method, path, body)
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.json
  }
}
