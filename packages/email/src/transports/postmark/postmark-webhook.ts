import { type Logger, silentLogger } from '@plinth/core'
import { EmailError } from '../../email-error.js'
import type { Mailer } from '../../mailer.js'
import type { EmailEvent } from '../../webhooks/email-event.js'
import { readPostmarkEvent } from './postmark-event.js'
import { isAuthorized, type WebhookHeader, type WebhookLogin } from './webhook-credentials.js'

/** Options of {@link handlePostmarkWebhook}. */
export interface PostmarkWebhookOptions {
  /** Whose send log and suppression list learn of the report. */
  readonly mailer: Pick<Mailer, 'report'>
  /** The logins that are accepted; keep the old one beside the new one while you change it. */
  readonly logins?: readonly WebhookLogin[]
  /** The headers that are accepted instead of a login. */
  readonly headers?: readonly WebhookHeader[]
  /**
   * Called once for each report. The answer waits for it, but not longer than `answerWithinMs`; when it fails within
   * that time, Postmark is asked to send the report again. For long work, put a task into a queue.
   */
  readonly onEvent?: (event: EmailEvent) => void | Promise<void>
  /** Default 5 000. */
  readonly answerWithinMs?: number
  /** How long a report may be, in bytes. Bounces can hold the whole message. Default 1 MB. */
  readonly bodyLimit?: number
  /** Keeps the process from closing while slow work goes on after the answer; the app factory's `track`. */
  readonly waitUntil?: (work: Promise<unknown>) => unknown
  readonly logger?: Logger
}

const MEGABYTE = 1024 * 1024

/**
 * Takes in one report of Postmark about a message it was given, and gives the answer for it.
 *
 * - 200: taken in, seen before, or nothing this package knows (Postmark tests each kind when a webhook is saved).
 * - 400: not JSON; 405: not POST; 413: too long. Postmark does not send these again.
 * - 401, never 403: no login that is known. It says which login is asked for, and nothing else.
 * - 503: it could not be remembered. Postmark sends it again, 6 times within about 70 minutes.
 *
 * Postmark does not sign its reports: the login over HTTPS is all that tells who sends them.
 *
 * @throws EmailError of kind `config` when neither `logins` nor `headers` has an entry.
 */
export async function handlePostmarkWebhook(request: Request, options: PostmarkWebhookOptions): Promise<Response> {
  const { logins = [], headers = [], bodyLimit = MEGABYTE } = options
  if (logins.length + headers.length === 0) {
    throw new EmailError(
      'config',
      'A Postmark webhook needs a login or a header: without one, anybody can report anything.',
    )
  }
  if (request.method !== 'POST') return answer(405, { allow: 'POST' })
  if (!isAuthorized(request.headers, logins, headers)) {
    return answer(401, { 'www-authenticate': 'Basic realm="webhooks", charset="UTF-8"' })
  }
  const body = await readBody(request, bodyLimit)
  if (body === undefined) return answer(413)
  const json = parseJson(body)
  if (json === undefined) return answer(400)
  const event = readPostmarkEvent(json.value)
  return event === undefined ? answer(200) : takeIn(event, options)
}

async function takeIn(event: EmailEvent, options: PostmarkWebhookOptions): Promise<Response> {
  const { mailer, onEvent, answerWithinMs = 5_000, waitUntil, logger = silentLogger } = options
  let remembered = false
  const work = mailer.report(event, (reported) => {
    remembered = true
    return onEvent?.(reported)
  })
  const done = work.then(
    () => answer(200),
    (error: unknown) => {
      logger.warn({ component: 'email', event: event.type, err: error }, 'email: a webhook could not be taken in')
      return answer(503)
    },
  )
  waitUntil?.(done)
  // What is remembered but slow is ours now; what a slow store may not have, Postmark must send again.
  return Promise.race([done, after(answerWithinMs, () => answer(remembered ? 200 : 503))])
}

function after<Result>(ms: number, result: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(result()), ms).unref()
  })
}

/** Reads at most `limit` bytes; `undefined` when there are more, without reading them. */
async function readBody(request: Request, limit: number): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) return undefined
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength
    if (length > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
