import { Secret } from '@plinth/config'
import { describe, expect, it } from 'vitest'
import {
  addressHash,
  createMailer,
  type EmailEvent,
  type EmailStore,
  type EmailTransport,
  type Mailer,
  memorySendLog,
  memoryStore,
  memoryTransport,
} from '../src/index.js'
import { handlePostmarkWebhook, type PostmarkWebhookOptions } from '../src/transports/postmark.js'

const LOGIN = { user: 'postmark', password: new Secret('a long random password') }

const DELIVERED: EmailEvent = {
  type: 'delivered',
  id: 'event',
  messageId: 'message',
  recipient: 'ada@example.com',
  at: 0,
  stream: 'outbound',
  metadata: {},
}

/** Records as Postmark documents them: https://postmarkapp.com/developer/webhooks/webhooks-overview */
const records = {
  delivery: (id: string) => ({
    RecordType: 'Delivery',
    MessageID: id,
    Recipient: 'ada@example.com',
    DeliveredAt: '2026-11-05T16:33:54.9070259Z',
    Details: 'Test',
    Tag: 'welcome',
    ServerID: 23,
    Metadata: { user: '42' },
    MessageStream: 'outbound',
  }),
  open: (id: string, at = '2026-11-05T16:40:00Z') => ({
    RecordType: 'Open',
    FirstOpen: true,
    MessageID: id,
    Recipient: 'ada@example.com',
    ReceivedAt: at,
    MessageStream: 'outbound',
    Metadata: {},
  }),
  click: (id: string) => ({
    RecordType: 'Click',
    ClickLocation: 'HTML',
    OriginalLink: 'https://example.com',
    MessageID: id,
    Recipient: 'ada@example.com',
    ReceivedAt: '2026-11-05T16:41:00Z',
    MessageStream: 'outbound',
    Metadata: {},
  }),
  bounce: (id: string, more: object = {}) => ({
    RecordType: 'Bounce',
    ID: 42,
    Type: 'HardBounce',
    TypeCode: 1,
    MessageID: id,
    Email: 'Ada@Example.com',
    From: 'hello@example.com',
    BouncedAt: '2026-11-05T16:33:55Z',
    Inactive: true,
    CanActivate: true,
    MessageStream: 'outbound',
    Metadata: {},
    ...more,
  }),
  complaint: (id: string) => ({
    RecordType: 'SpamComplaint',
    ID: 43,
    Type: 'SpamComplaint',
    MessageID: id,
    Email: 'ada@example.com',
    BouncedAt: '2026-11-05T17:00:00Z',
    Inactive: true,
    MessageStream: 'outbound',
    Metadata: {},
  }),
  subscription: (id: string, suppress: boolean) => ({
    RecordType: 'SubscriptionChange',
    MessageID: id,
    Recipient: 'ada@example.com',
    Origin: 'Recipient',
    SuppressSending: suppress,
    SuppressionReason: suppress ? 'ManualSuppression' : null,
    ChangedAt: suppress ? '2026-11-06T10:00:00Z' : '2026-11-07T10:00:00Z',
    MessageStream: 'outbound',
    Metadata: {},
  }),
}

interface Setup {
  readonly mailer: Mailer
  readonly log: ReturnType<typeof memorySendLog>
  readonly events: EmailEvent[]
  readonly post: (body: unknown, options?: Partial<PostmarkWebhookOptions>, init?: RequestInit) => Promise<Response>
  readonly send: () => Promise<string>
}

function setUp(store?: EmailStore): Setup {
  const log = memorySendLog()
  const events: EmailEvent[] = []
  const mailer = createMailer({
    transport: memoryTransport(),
    from: 'hello@example.com',
    sendLog: log,
    ...(store === undefined ? {} : { store }),
  })
  return {
    mailer,
    log,
    events,
    post: (body, options = {}, init = {}) => {
      const headers = { authorization: `Basic ${btoa('postmark:a long random password')}` }
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const request = new Request('https://app.example.com/webhooks/postmark', {
        method: 'POST',
        headers,
        body: text,
        ...init,
      })
      const onEvent = (event: EmailEvent): void => void events.push(event)
      return handlePostmarkWebhook(request, { mailer, logins: [LOGIN], onEvent, ...options })
    },
    send: async () => {
      const result = await mailer.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hi' })
      if (result.status !== 'sent') throw new Error(`not sent: ${result.status}`)
      return result.id
    },
  }
}

describe('a report of Postmark', () => {
  it('moves the send log forward, whatever the order and however often it comes', async () => {
    const { post, send, log, events } = setUp()
    const id = await send()
    const state = () => log.entries[0]?.state
    expect(state()).toBe('sent')
    expect((await post(records.click(id))).status).toBe(200)
    expect(state()).toBe('clicked')
    for (const record of [records.delivery(id), records.open(id), records.click(id), records.delivery(id)]) {
      expect((await post(record)).status).toBe(200)
    }
    expect(state()).toBe('clicked')
    expect(events.map(({ type }) => type)).toEqual(['clicked', 'delivered', 'opened'])
    expect((await post(records.complaint(id))).status).toBe(200)
    expect(state()).toBe('spam')
    expect(log.entries[0]).toMatchObject({ messageId: id, recipientHash: addressHash('ada@example.com') })
  })

  it('that comes before the send was recorded is kept until it is', async () => {
    const sendLog = memorySendLog()
    const transport: EmailTransport = {
      name: 'slow',
      delivers: true,
      send: async (message) => {
        await mailer.report({ ...DELIVERED, messageId: 'fast' })
        return { id: 'fast', recipients: message.to.map(({ address }) => ({ address, outcome: 'accepted' })) }
      },
      close: async () => {},
    }
    const mailer: Mailer = createMailer({ transport, from: 'hello@example.com', sendLog })
    await mailer.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hi' })
    expect(sendLog.entries).toMatchObject([{ messageId: 'fast', state: 'delivered' }])
  })

  it('of a hard bounce, a complaint or an opt-out ends mail to the address on that stream, until it opts in again', async () => {
    for (const record of [records.bounce('m1'), records.complaint('m2'), records.subscription('m3', true)]) {
      const { mailer, post } = setUp()
      await post(record)
      const message = { to: 'ADA@example.com', subject: 'Hi', text: 'Hi' }
      expect(await mailer.sendMessage(message)).toMatchObject({ status: 'skipped', reason: 'suppressed' })
      expect(await mailer.sendMessage(message, { stream: 'broadcast' })).toMatchObject({ status: 'sent' })
      await post(records.subscription('m4', false))
      expect(await mailer.sendMessage(message)).toMatchObject({ status: 'sent' })
    }
  })

  it('of a bounce that may pass suppresses nobody', async () => {
    const { mailer, post, events } = setUp()
    await post(records.bounce('m1', { Type: 'SoftBounce', Inactive: false }))
    await post(records.bounce('m2', { Type: 'SomethingNew', Inactive: false }))
    expect(events.map(({ type }) => type)).toEqual(['deferred', 'deferred'])
    expect(await mailer.sendMessage({ to: 'ada@example.com', subject: 'Hi', text: 'Hi' })).toMatchObject({
      status: 'sent',
    })
  })

  it('has one form: type, time, recipient, metadata', async () => {
    const { post, events } = setUp()
    await post(records.delivery('m1'))
    expect(events[0]).toEqual({
      type: 'delivered',
      id: expect.any(String),
      messageId: 'm1',
      recipient: 'ada@example.com',
      at: Date.parse('2026-11-05T16:33:54.907Z'),
      stream: 'outbound',
      tag: 'welcome',
      metadata: { user: '42' },
    })
  })

  it('of a kind nobody knows, or an inbound message, is answered 200 and nothing else happens', async () => {
    const { post, events } = setUp()
    for (const record of [{ RecordType: 'New' }, { FromFull: {} }, [], null, 7, 'text', { RecordType: 'Bounce' }]) {
      expect((await post(JSON.stringify(record))).status).toBe(200)
    }
    expect(events).toEqual([])
  })
})

describe('whoever reports', () => {
  it.each([
    ['no login', {}],
    ['a wrong password', { authorization: `Basic ${btoa('postmark:wrong')}` }],
    ['a wrong user', { authorization: `Basic ${btoa('admin:a long random password')}` }],
    ['a prefix of the password', { authorization: `Basic ${btoa('postmark:a long random passwor')}` }],
    ['another scheme', { authorization: 'Bearer a long random password' }],
    ['nonsense', { authorization: 'Basic \u00ff%%%' }],
    ['an empty header', { 'x-webhook-secret': '' }],
  ])('with %s is answered 401, never 403, and changes nothing', async (_name, headers) => {
    const { post, events } = setUp()
    const response = await post(
      records.bounce('m1'),
      { headers: [{ name: 'x-webhook-secret', value: 's3cret' }] },
      { headers },
    )
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('Basic')
    expect(await response.text()).toBe('')
    expect(events).toEqual([])
  })

  it('may use the old password beside the new one, or a header', async () => {
    const { post } = setUp()
    const rotating = [{ user: 'postmark', password: 'the new password, not known to Postmark yet' }, LOGIN]
    expect((await post(records.delivery('m1'), { logins: rotating })).status).toBe(200)
    const headers = [{ name: 'X-Webhook-Secret', value: new Secret('s3cret') }]
    const init = { headers: { 'x-webhook-secret': 's3cret' } }
    expect((await post(records.delivery('m2'), { logins: [], headers }, init)).status).toBe(200)
  })

  it('cannot be anybody: without a login or a header to ask for, it is a mistake', async () => {
    const { post } = setUp()
    await expect(post(records.delivery('m1'), { logins: [] })).rejects.toMatchObject({ kind: 'config' })
  })

  it('must POST JSON of a bounded size', async () => {
    const { post, events } = setUp()
    expect((await post('{"RecordType":')).status).toBe(400)
    expect((await post('x'.repeat(2_000_000))).status).toBe(413)
    const endless = { body: endlessBody(), duplex: 'half' } as RequestInit
    expect((await post('', {}, endless)).status).toBe(413)
    const { mailer } = setUp()
    const get = new Request('https://app.example.com/webhooks/postmark')
    expect((await handlePostmarkWebhook(get, { mailer, logins: [LOGIN] })).status).toBe(405)
    expect(events).toEqual([])
  })
})

describe('a report that cannot be taken in', () => {
  it('because the store is away is answered 503, and taken in when it comes again', async () => {
    const store = memoryStore()
    let away = true
    const failing: EmailStore = { ...bind(store), add: async (...all) => (away ? fail() : store.add(...all)) }
    const { post, events } = setUp(failing)
    expect((await post(records.bounce('m1'))).status).toBe(503)
    away = false
    expect((await post(records.bounce('m1'))).status).toBe(200)
    expect(events).toHaveLength(1)
  })

  it('because the handler fails is answered 503, and handled when it comes again', async () => {
    const { post } = setUp()
    let calls = 0
    const onEvent = (): void => {
      if (++calls === 1) throw new Error('database away')
    }
    expect((await post(records.delivery('m1'), { onEvent })).status).toBe(503)
    expect((await post(records.delivery('m1'), { onEvent })).status).toBe(200)
    expect((await post(records.delivery('m1'), { onEvent })).status).toBe(200)
    expect(calls).toBe(2)
  })

  it('in time is acknowledged when only the handler is slow, and asked for again when the store is', async () => {
    const { post } = setUp()
    const waiting: Promise<unknown>[] = []
    let finish = (): void => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    const options = { answerWithinMs: 50, waitUntil: (work: Promise<unknown>) => waiting.push(work) }
    expect((await post(records.delivery('m1'), { ...options, onEvent: () => slow })).status).toBe(200)
    expect(waiting).toHaveLength(1)
    finish()
    await Promise.all(waiting)
    const hanging = setUp({ ...bind(memoryStore()), add: () => new Promise(() => {}) })
    expect((await hanging.post(records.delivery('m1'), { answerWithinMs: 50 })).status).toBe(503)
  })
})

function bind(store: EmailStore): EmailStore {
  return {
    add: (...all) => store.add(...all),
    get: (key) => store.get(key),
    set: (...all) => store.set(...all),
    delete: (key) => store.delete(key),
  }
}

function fail(): never {
  throw new Error('store away')
}

function endlessBody(): ReadableStream {
  return new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('y'.repeat(100_000))),
  })
}
