/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `undefined` when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what a service answers is looked at, not typed
  readonly json: any
}

/** Asks one service, as one member or as nobody. */
export class Client {
  readonly #url: string
  readonly #apiKey: string | undefined
  readonly #headers: Readonly<Record<string, string>>

  /** @param headers are sent with every request. */
  constructor(url: string, apiKey?: string, headers: Readonly<Record<string, string>> = {}) {
    this.#url = url
    this.#apiKey = apiKey
    this.#headers = headers
  }

  /** The same service as somebody else. */
  as(apiKey: string | undefined): Client {
    return new Client(this.#url, apiKey, this.#headers)
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...this.#headers,
        ...(this.#apiKey === undefined ? {} : { authorization: `Bearer ${this.#apiKey}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.ask('GET', path, undefined, headers)
  }
}

/** Signs somebody up, and answers a client that asks as that member. */
export async function signUp(
  client: Client,
  tier: 'free' | 'pro' = 'free',
): Promise<{ readonly id: number; readonly client: Client; readonly mail: string }> {
  const email = `member-${crypto.randomUUID()}@example.com`
  const { status, json, text } = await client.ask('POST', '/members', { name: 'Ada', email, tier })
  if (status !== 201) throw new Error(`Signing up was answered with ${status}: ${text}`)
  return { id: json.member.id, client: client.as(json.apiKey), mail: json.mail }
}
