import { PostmarkStandIn, type StandInFault } from '@plinth/testing/postmark'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  createMailer,
  defineProviderTemplate,
  defineTemplate,
  EmailError,
  html,
  type Mailer,
  memoryStore,
  type SendOptions,
} from '../src/index.js'
import { postmarkTransport } from '../src/transports/postmark.js'

const welcome = defineTemplate({
  name: 'welcome',
  props: z.object({ name: z.string() }),
  subject: ({ name }) => `Welcome, ${name}`,
  html: ({ name }) => html`<p>Hello ${name}</p>`,
  example: { name: 'Ada' },
})
const from = { name: 'Plinth, Inc.', address: 'hello@example.com' }
const ada = { name: 'Ada', address: 'ada@example.com' }

let postmark: PostmarkStandIn
let mailer: Mailer

beforeEach(async () => {
  postmark = await new PostmarkStandIn().listen()
  mailer = mailerTo(postmark)
})

afterEach(async () => {
  await mailer.close()
  await postmark.close()
})

/** How long the transport takes for possible that Postmark does not find a message yet. */
const SEARCH_LAG_MS = 1_000

function mailerTo({ endpoint, token }: PostmarkStandIn, options: { timeout?: number; retries?: number } = {}): Mailer {
  const transport = postmarkTransport({ serverToken: token, endpoint, searchLagMs: SEARCH_LAG_MS })
  return createMailer({ transport, from, store: memoryStore(), timeout: 10_000, retries: 2, ...options })
}

async function send(options: SendOptions = {}): Promise<unknown> {
  return mailer.send(welcome, { to: ada, props: { name: 'Ada' } }, options).catch((error: unknown) => error)
}

describe('a message that Postmark takes', () => {
  it('is sent once, as the API has it', async () => {
    const content = Buffer.from('hello')
    const result = await mailer.send(
      welcome,
      {
        to: [ada, 'b@example.com'],
        cc: 'c@example.com',
        replyTo: 'help@example.com',
        props: { name: 'Ada' },
        metadata: { user: '42' },
        headers: { 'X-Campaign': 'spring' },
        attachments: [{ filename: 'hello.txt', content, contentType: 'text/plain', contentId: 'hello' }],
        unsubscribeUrl: 'https://example.com/out?u=1',
        trackOpens: true,
        trackLinks: 'html-and-text',
      },
      { stream: 'broadcast', idempotencyKey: 'welcome:42' },
    )
    expect(result).toMatchObject({ status: 'sent', recipients: [{ outcome: 'accepted' }, {}, {}] })
    expect(postmark.accepted).toHaveLength(1)
    expect(postmark.accepted[0]?.payload).toEqual({
      From: '"Plinth, Inc." <hello@example.com>',
      To: '"Ada" <ada@example.com>, b@example.com',
      Cc: 'c@example.com',
      ReplyTo: 'help@example.com',
      Subject: 'Welcome, Ada',
      HtmlBody: '<p>Hello Ada</p>',
      TextBody: 'Hello Ada',
      Tag: 'welcome',
      MessageStream: 'broadcast',
      TrackOpens: true,
      TrackLinks: 'HtmlAndText',
      Headers: [
        { Name: 'X-Campaign', Value: 'spring' },
        { Name: 'List-Unsubscribe', Value: '<https://example.com/out?u=1>' },
        { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
      ],
      Attachments: [
        { Name: 'hello.txt', Content: content.toString('base64'), ContentType: 'text/plain', ContentID: 'cid:hello' },
      ],
      Metadata: { user: '42', 'plinth-key': expect.stringMatching(/^[\w-]{43}$/) },
    })
  })

  it('is partial when some recipients are inactive, and they are left out from then on', async () => {
    postmark.inactive.add('gone@example.com')
    const message = { to: [ada, 'Gone@Example.com'], props: { name: 'Ada' } }
    expect(await mailer.send(welcome, message)).toMatchObject({
      status: 'partial',
      recipients: [
        { address: 'ada@example.com', outcome: 'accepted' },
        { address: 'Gone@example.com', outcome: 'suppressed' },
      ],
    })
    expect(await mailer.send(welcome, { ...message, to: 'gone@example.com' })).toMatchObject({
      status: 'skipped',
      reason: 'suppressed',
    })
    expect(postmark.requests).toHaveLength(1)
  })

  it('is skipped when Postmark says that every recipient is inactive (HTTP 422, code 406)', async () => {
    postmark.inactive.add('ada@example.com')
    expect(await send()).toMatchObject({ status: 'skipped', reason: 'suppressed' })
    expect(await send()).toMatchObject({ status: 'skipped', reason: 'suppressed' })
    expect(postmark.requests).toHaveLength(1)
  })

  it('can be a template that Postmark keeps, by its alias', async () => {
    const receipt = defineProviderTemplate({
      name: 'receipt',
      alias: 'receipt-v2',
      props: z.object({ total: z.number() }),
      example: { total: 5 },
    })
    expect(await mailer.send(receipt, { to: ada, props: { total: 7 } })).toMatchObject({ status: 'sent' })
    expect(postmark.requests[0]?.path).toBe('/email/withTemplate')
    expect(postmark.accepted[0]?.payload).toMatchObject({ TemplateAlias: 'receipt-v2', TemplateModel: { total: 7 } })
    const missing = defineProviderTemplate({ name: 'missing', props: z.object({}), example: {} })
    await expect(mailer.send(missing, { to: ada, props: {} })).rejects.toMatchObject({ kind: 'template' })
  })
})

interface Expectation {
  readonly name: string
  readonly fault: StandInFault
  readonly kind: string
  readonly retryable: boolean
  readonly ambiguous: boolean
  /** How many requests a send without a key makes, with 2 retries allowed and the fault there every time. */
  readonly requests: number
}

const FAULTS: readonly Expectation[] = [
  fault('401', { kind: 'refusal', status: 401, code: 10, message: 'No token' }, 'auth', false),
  fault(
    '422 invalid request',
    { kind: 'refusal', status: 422, code: 300, message: "Invalid 'From': x@y.z" },
    'invalid',
    false,
  ),
  fault(
    '422 sender not confirmed',
    { kind: 'refusal', status: 422, code: 401, message: 'Unconfirmed' },
    'config',
    false,
  ),
  fault(
    '422 not allowed to send',
    { kind: 'refusal', status: 422, code: 405, message: 'Not allowed' },
    'config',
    false,
  ),
  fault('422 pending approval', { kind: 'refusal', status: 422, code: 412, message: 'Pending' }, 'config', false),
  fault('422 account may not send', { kind: 'refusal', status: 422, code: 413, message: 'May not' }, 'config', false),
  fault('422 unknown template', { kind: 'refusal', status: 422, code: 1101, message: 'None' }, 'template', false),
  fault('422 unknown stream', { kind: 'refusal', status: 422, code: 1235, message: 'None' }, 'config', false),
  fault('422 with a code that is new', { kind: 'refusal', status: 422, code: 9999, message: '?' }, 'invalid', false),
  fault('413', { kind: 'status', status: 413 }, 'payload-too-large', false),
  fault('404', { kind: 'status', status: 404 }, 'config', false),
  fault('429 without Retry-After', { kind: 'status', status: 429 }, 'rate-limited', true, { requests: 3 }),
  fault('503', { kind: 'status', status: 503 }, 'unavailable', true, { requests: 3 }),
  fault('500', { kind: 'status', status: 500 }, 'unavailable', true, { ambiguous: true }),
  fault('500 although it was sent', { kind: 'status', status: 500, accepts: true }, 'unavailable', true, {
    ambiguous: true,
  }),
  fault('502 with HTML', { kind: 'html', status: 502 }, 'unavailable', true, { ambiguous: true }),
  fault('504 with HTML although it was sent', { kind: 'html', status: 504, accepts: true }, 'unavailable', true, {
    ambiguous: true,
  }),
  fault('200 with nothing in it', { kind: 'empty', accepts: true }, 'unavailable', true, { ambiguous: true }),
  fault('200 with HTML', { kind: 'html', status: 200 }, 'unavailable', true, { ambiguous: true }),
  fault('a stalled head', { kind: 'stalled-head', accepts: true }, 'timeout', true, { ambiguous: true }),
  fault('a stalled body', { kind: 'stalled-body', accepts: true }, 'timeout', true, { ambiguous: true }),
  fault('a reset after the request was read', { kind: 'reset-after', accepts: true }, 'unavailable', true, {
    ambiguous: true,
  }),
]

function fault(
  name: string,
  standIn: StandInFault,
  kind: string,
  retryable: boolean,
  { ambiguous = false, requests = 1 }: { readonly ambiguous?: boolean; readonly requests?: number } = {},
): Expectation {
  return { name, fault: standIn, kind, retryable, ambiguous, requests }
}

describe('a message that Postmark does not take', () => {
  it.each(FAULTS)('$name: the error says $kind, and it is repeated only if nothing was sent', async (expected) => {
    postmark.faults.push(expected.fault, expected.fault, expected.fault)
    const error = await send({ timeout: expected.kind === 'timeout' ? 1_000 : 10_000 })
    expect(error).toBeInstanceOf(EmailError)
    const { kind, retryable, ambiguous } = expected
    expect(error).toMatchObject({ kind, retryable, ambiguous })
    expect(postmark.requests).toHaveLength(expected.requests)
  })

  it.each(FAULTS.filter(({ ambiguous }) => ambiguous))(
    '$name: with a key, it is never sent twice, and never lost',
    async (expected) => {
      postmark.faults.push(expected.fault)
      const options = { idempotencyKey: 'once', timeout: expected.kind === 'timeout' ? 1_000 : 10_000 }
      expect(await send(options)).toMatchObject({ ambiguous: true })
      const sent = postmark.accepted.length
      // Straight away the search may not know it yet; then it is found, or it is certain that it was not sent.
      const second = await send(options)
      if (sent === 0) expect(second).toMatchObject({ kind: 'unavailable', ambiguous: true, retryable: true })
      await new Promise((resolve) => setTimeout(resolve, SEARCH_LAG_MS + 50))
      const last = await send(options)
      expect(last).toMatchObject(sent === 0 ? { status: 'sent' } : { status: 'skipped', reason: 'duplicate' })
      expect(postmark.accepted).toHaveLength(1)
    },
  )

  it('waits as long as Retry-After asks for, and passes it on when the caller cannot wait that long', async () => {
    postmark.faults.push({ kind: 'status', status: 429, headers: { 'retry-after': '1' } })
    const began = performance.now()
    expect(await send({ timeout: 10_000 })).toMatchObject({ status: 'sent' })
    expect(performance.now() - began).toBeGreaterThan(900)
    postmark.faults.push({ kind: 'status', status: 429, headers: { 'retry-after': '120' } })
    expect(await send()).toMatchObject({ kind: 'rate-limited', retryable: true, retryAfterMs: 120_000 })
    expect(postmark.accepted).toHaveLength(1)
  })

  it('says that nothing was sent when nobody listens, and repeats it', async () => {
    const { endpoint } = postmark
    await postmark.close()
    expect(await send({ idempotencyKey: 'k' })).toMatchObject({
      kind: 'unavailable',
      retryable: true,
      ambiguous: false,
    })
    postmark = await new PostmarkStandIn().listen(Number(new URL(endpoint).port))
    expect(await send({ idempotencyKey: 'k' })).toMatchObject({ status: 'sent' })
  })

  it('ends with its timeout although the connection hangs before the request, and knows that nothing was sent', async () => {
    // A TLS handshake that is never answered: the connection is there, the request is not.
    const { createServer } = await import('node:net')
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const transport = postmarkTransport({ serverToken: 'x', endpoint: `https://127.0.0.1:${port}` })
    const hanging = createMailer({ transport, from, timeout: 300, retries: 0 })
    const error = await hanging.send(welcome, { to: ada, props: { name: 'A' } }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ kind: 'timeout', retryable: true, ambiguous: false })
    await hanging.close()
    silent.close()
  })

  it('with a connection reset before the request was read, is never counted as sent', async () => {
    postmark.faults.push({ kind: 'reset-before' })
    const error = await send({ idempotencyKey: 'reset' })
    // Whether a byte left before the reset is a race; either way the answer is one of these two, and never a lie.
    if (error instanceof EmailError) expect(error).toMatchObject({ kind: 'unavailable', ambiguous: true })
    else expect(error).toMatchObject({ status: 'sent' })
    await new Promise((resolve) => setTimeout(resolve, SEARCH_LAG_MS + 50))
    await send({ idempotencyKey: 'reset' })
    expect(postmark.accepted).toHaveLength(1)
  })

  it('ends when the caller gives up', async () => {
    postmark.faults.push({ kind: 'stalled-head', accepts: true })
    const error = await send({ signal: AbortSignal.abort(new Error('gone')) })
    expect(error).toMatchObject({ kind: 'aborted', ambiguous: false })
    const controller = new AbortController()
    const sending = send({ signal: controller.signal })
    await vi.waitFor(() => expect(postmark.requests).toHaveLength(1), { timeout: 10_000 })
    controller.abort()
    expect(await sending).toMatchObject({ kind: 'aborted', ambiguous: true, retryable: false })
  })
})

describe('many messages', () => {
  const messages = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      to: `user${index}@example.com`,
      props: { name: `User ${index}` },
      idempotencyKey: `bulk:${index}`,
    }))

  it('go out 500 to a request, with results by index', async () => {
    postmark.inactive.add('user3@example.com')
    const progress: number[] = []
    const all = messages(1_200).map((message, index) => (index === 7 ? { ...message, to: 'broken' } : message))
    const results = await mailer.sendMany(welcome, all, {
      timeout: 20_000,
      onProgress: ({ done }) => progress.push(done),
    })
    expect(postmark.requests.map(({ count }) => count)).toEqual([499, 500, 200])
    expect(progress).toEqual([500, 1_000, 1_200])
    expect(results).toHaveLength(1_200)
    expect(results[3]).toMatchObject({ status: 'skipped', reason: 'suppressed' })
    expect(results[7]).toMatchObject({ status: 'failed', error: { kind: 'invalid' } })
    expect(results.filter(({ status }) => status === 'sent')).toHaveLength(1_198)
    const ids = new Map(postmark.accepted.map(({ id, to }) => [id, to[0]]))
    const last = results[1_199]
    expect(last?.status === 'sent' && ids.get(last.id)).toBe('user1199@example.com')
  })

  it('that share a key go out once', async () => {
    const results = await mailer.sendMany(welcome, [...messages(3), ...messages(2)])
    expect(results.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'skipped', 'skipped'])
    expect(postmark.accepted).toHaveLength(3)
  })

  it('are cut by size as well, and a request is never too big', async () => {
    const content = Buffer.alloc(6_000_000, 1)
    const attachments = [{ filename: 'big.dat', content, contentType: 'application/octet-stream' }]
    const results = await mailer.sendMany(
      welcome,
      messages(14).map((message) => ({ ...message, attachments })),
      { timeout: 60_000 },
    )
    expect(results.every(({ status }) => status === 'sent')).toBe(true)
    expect(postmark.requests.map(({ count }) => count)).toEqual([6, 6, 2])
    for (const { bytes } of postmark.requests) expect(bytes).toBeLessThan(50_000_000)
  }, 90_000)

  it('are not sent again when a request ends ambiguously, and those with a key are found again', async () => {
    postmark.faults.push({ kind: 'reset-after', accepts: true })
    const first = await mailer.sendMany(welcome, messages(20))
    expect(first.every((result) => result.status === 'failed' && result.error.ambiguous)).toBe(true)
    const second = await mailer.sendMany(welcome, messages(20), { timeout: 10_000 })
    expect(second.every((result) => result.status === 'skipped' && result.reason === 'duplicate')).toBe(true)
    expect(postmark.accepted).toHaveLength(20)
  })

  it('answered by something else, says of each that nobody knows', async () => {
    postmark.faults.push({ kind: 'html', status: 200, accepts: true })
    const results = await mailer.sendMany(welcome, messages(3))
    expect(results).toMatchObject([{ status: 'failed', error: { ambiguous: true } }, {}, {}])
  })
})

describe('checking', () => {
  it('passes with the right token and fails with another', async () => {
    await mailer.verify()
    const wrong = createMailer({
      transport: postmarkTransport({ serverToken: 'wrong', endpoint: postmark.endpoint }),
      from,
    })
    await expect(wrong.verify()).rejects.toMatchObject({ kind: 'auth', retryable: false })
    await wrong.close()
  })

  it('refuses a token or an endpoint that cannot be one, without quoting it', () => {
    expect(() => postmarkTransport({ serverToken: 'line\nbreak' })).toThrow(/token/)
    expect(() => postmarkTransport({ serverToken: 'x', endpoint: 'http://api.example.com' })).toThrow(/https/)
  })
})
