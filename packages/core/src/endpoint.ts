/** A host and its port. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

const ENDPOINT = /^(?:([\w.-]+)|\[([\da-f:.]+)\])(?::(\d{1,5}))?$/i

/** Reads `host:port,[::1]:port,host`; `undefined` when one of them is no endpoint. */
export function parseEndpoints(text: string, defaultPort: number): readonly Endpoint[] | undefined {
  const endpoints: Endpoint[] = []
  for (const part of text.split(',')) {
    const [, name, address, digits] = ENDPOINT.exec(part.trim()) ?? []
    const host = name ?? address
    const port = digits === undefined ? defaultPort : Number(digits)
    if (host === undefined || port < 1 || port > 65_535) return undefined
    endpoints.push({ host, port })
  }
  return endpoints
}

/** Gives an endpoint as `parseEndpoints` reads it: `127.0.0.1:6379`, `[::1]:6379`. */
export function describeEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
