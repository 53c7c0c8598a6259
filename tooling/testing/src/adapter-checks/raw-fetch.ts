import { request } from 'node:http'

/** A response with nothing done to it: no redirect followed, no encoding undone, no request header added. */
export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Whether the connection ended before the body did. */
  readonly broken: boolean
}

/** How {@link rawFetch} asks. */
export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks over real HTTP, on a connection of its own. */
export function rawFetch(url: string, { method = 'GET', headers = {} }: RawRequest = {}): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = []
      const settle = (broken: boolean) =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(pieces).toString(),
          broken,
        })
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () => settle(false))
      response.on('error', () => settle(true))
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Asks, and drops the connection at the first piece of the body. */
export function leaveAtFirstByte(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false }, (response) => {
      response.on('error', () => {})
      response.once('data', () => {
        asked.destroy()
        resolve()
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** The `Cache-Status` of a response in short: `hit`, or why it was forwarded, with `stored` where it was. */
export function cacheOutcome({ headers }: RawResponse): string {
  const line = String(headers['cache-status'] ?? 'none')
  if (line.includes('; hit')) return line.includes('detail=') ? `hit ${/detail=([\w-]+)/.exec(line)?.[1]}` : 'hit'
  const why = /fwd=([\w-]+)/.exec(line)?.[1] ?? line
  const detail = /detail=([\w-]+)/.exec(line)?.[1]
  return [why, line.includes('; stored') ? 'stored' : undefined, detail].filter(Boolean).join(' ')
}
