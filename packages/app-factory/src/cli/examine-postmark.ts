import type { PostmarkSettings } from '@plinth/email/config'
import type { Finding } from './finding.js'

/** Where to ask, and how long to wait for each answer. */
export interface ExaminePostmarkOptions {
  /** Where Postmark's API is. */
  readonly endpoint: string
  readonly patienceMs: number
}

/** Where messages go that name no stream. */
const DEFAULT_STREAM = 'outbound'

/**
 * Looks at the Postmark server behind a token: whether it delivers at all, and which streams it has. Sends nothing.
 *
 * Rejects when it does not answer; a token that is not taken was told by the start of the mailer.
 */
export async function examinePostmark(
  { serverToken }: PostmarkSettings,
  { endpoint, patienceMs }: ExaminePostmarkOptions,
): Promise<readonly Finding[]> {
  const ask = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(new URL(path, endpoint), {
      headers: { accept: 'application/json', 'x-postmark-server-token': serverToken.reveal() },
      signal: AbortSignal.timeout(patienceMs),
    })
    if (!response.ok) throw new Error(`Postmark answered ${path} with ${response.status}.`)
    return (await response.json()) as Readonly<Record<string, unknown>>
  }
  const [server, { MessageStreams: streams }] = await Promise.all([ask('/server'), ask('/message-streams')])
  return [deliveryFinding(server), streamFinding(Array.isArray(streams) ? streams : [])]
}

/** https://postmarkapp.com/developer/api/server-api: `Live` or `Sandbox`; a sandbox takes mail and delivers none. */
function deliveryFinding({ DeliveryType: type }: Readonly<Record<string, unknown>>): Finding {
  const about = { subject: 'email', check: 'delivery type' } as const
  if (type === 'Live') return { ...about, status: 'ok', found: 'Live' }
  return {
    ...about,
    status: 'warning',
    found: `${String(type)}: the server takes mail and delivers none`,
    remedy: 'For mail that reaches people, set POSTMARK_SERVER_TOKEN to the token of a server of type Live.',
  }
}

/** https://postmarkapp.com/developer/api/message-streams-api: archived streams refuse messages. */
function streamFinding(streams: readonly unknown[]): Finding {
  const about = { subject: 'email', check: 'streams' } as const
  const open = streams.flatMap((stream) => {
    const { ID: id, MessageStreamType: type, ArchivedAt: archived } = stream as Readonly<Record<string, unknown>>
    return archived === null || archived === undefined ? [{ id: String(id), type: String(type) }] : []
  })
  const found = open.map(({ id, type }) => `${id} (${type})`).join(', ') || 'none'
  if (open.some(({ id }) => id === DEFAULT_STREAM)) return { ...about, status: 'ok', found }
  return {
    ...about,
    status: 'warning',
    found: `${found}: there is no "${DEFAULT_STREAM}", where messages go that name no stream`,
    remedy: 'Name the stream in the code: createInfra({ email: { stream } }).',
  }
}
