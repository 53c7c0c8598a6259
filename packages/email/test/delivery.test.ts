import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { openRedis } from '@plinth/core/redis'
import { freshRedis } from '@plinth/testing'
import { PostmarkStandIn } from '@plinth/testing/postmark'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type CreateMailerOptions,
  createMailer,
  defineTemplate,
  type EmailError,
  type EmailStore,
  type EmailTransport,
  headersOf,
  type Mailer,
  memorySendLog,
  memoryStore,
  memoryTransport,
  type QueuedEmail,
  redisStore,
} from '../src/index.js'
import { postmarkTransport } from '../src/transports/postmark.js'

const from = { name: 'Plinth', address: 'hello@example.com' }
const hello = { to: 'ada@example.com', subject: 'Hello', text: 'Hi' }

function memoryMailer(options: Partial<CreateMailerOptions> = {}) {
  const transport = memoryTransport()
  return { transport, mailer: createMailer({ transport, from, ...options }) }
}

describe('on a machine that must not write to people', () => {
  const message = { ...hello, to: [hello.to, 'dev@corp.example'], cc: 'boss@example.com', bcc: 'audit@Corp.Example' }

  it('an interceptor gets everything, and sees who it was for', async () => {
    const { transport, mailer } = memoryMailer({ interceptTo: ['trap@corp.example', 'trap2@corp.example'] })
    expect(await mailer.sendMessage(message)).toMatchObject({ status: 'sent' })
    const sent = transport.assertSent()
    expect(sent.to.map(({ address }) => address)).toEqual(['trap@corp.example', 'trap2@corp.example'])
    expect([...sent.cc, ...sent.bcc]).toEqual([])
    expect(sent.content).toMatchObject({ subject: '[intercepted] Hello' })
    const original = headersOf(sent).find(({ name }) => name === 'X-Original-To')?.value
    expect(original).toBe('ada@example.com, dev@corp.example, boss@example.com, audit@corp.example')
  })

  it('an allow-list lets only its addresses and domains through, and says who was left out', async () => {
    const { transport, mailer } = memoryMailer({ allowList: ['@corp.example', 'BOSS@example.com'] })
    expect(await mailer.sendMessage(message)).toMatchObject({
      status: 'partial',
      recipients: [
        { address: 'dev@corp.example', outcome: 'accepted' },
        { address: 'boss@example.com', outcome: 'accepted' },
        { address: 'audit@corp.example', outcome: 'accepted' },
        { address: 'ada@example.com', outcome: 'not-allowed' },
      ],
    })
    expect(await mailer.sendMessage(hello)).toMatchObject({ status: 'skipped', reason: 'not-allow-listed' })
    expect(await mailer.sendMessage({ ...hello, to: 'x@sub.corp.example' })).toMatchObject({ status: 'skipped' })
    expect(await mailer.sendMessage({ ...hello, to: 'x@notcorp.example' })).toMatchObject({ status: 'skipped' })
    expect(transport.sent).toHaveLength(1)
  })

  it('with both, the list gets its own mail and the interceptor the rest', async () => {
    const { transport, mailer } = memoryMailer({ interceptTo: 'trap@corp.example', allowList: ['dev@corp.example'] })
    await mailer.sendMessage(message)
    expect(transport.assertSent().to.map(({ address }) => address)).toEqual(['dev@corp.example', 'trap@corp.example'])
  })
})

describe('an idempotency key in a Redis that all processes share', () => {
  it('lets one of many concurrent sends through, whichever mailer they go by', async () => {
    const connection = await openRedis({ url: (await freshRedis()).url })
    const transport = memoryTransport()
    const mailers = Array.from({ length: 3 }, () =>
      createMailer({ transport, from, store: redisStore(connection, { prefix: 'test:' }) }),
    )
    for (let round = 0; round < 5; round++) {
      const sends = Array.from({ length: 12 }, (_, index) =>
        (mailers[index % 3] as Mailer).sendMessage(hello, { idempotencyKey: `round:${round}` }),
      )
      const statuses = (await Promise.all(sends)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 'sent')).toHaveLength(1)
      expect(statuses.filter((status) => status === 'skipped')).toHaveLength(11)
    }
    expect(transport.sent).toHaveLength(5)
    await connection.close()
  })

  it('keeps addresses and keys out of Redis', async () => {
    const { url } = await freshRedis()
    const connection = await openRedis({ url })
    const { mailer } = memoryMailer({ store: redisStore(connection) })
    await mailer.sendMessage(hello, { idempotencyKey: 'reset for ada@example.com' })
    await mailer.report({
      type: 'complained',
      id: 'ada@example.com',
      messageId: 'm',
      recipient: 'ada@example.com',
      at: 1,
      stream: 'outbound',
      metadata: {},
    })
    const keys = await connection.run((client) => client.keys('*'))
    expect(keys.length).toBeGreaterThan(2)
    for (const key of keys) {
      expect(key).not.toContain('ada')
      expect(key).toMatch(/^email:[\w:-]{1,200}$/)
    }
    expect(await mailer.sendMessage(hello)).toMatchObject({ status: 'skipped', reason: 'suppressed' })
    await connection.close()
  })
})

describe('a store that is away', () => {
  const away = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED'))
  const store: EmailStore = { add: away, get: away, set: away, delete: away }

  it('stops no send: repeats are then kept out in this process, and the result says so', async () => {
    const warnings: string[] = []
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (_: unknown, text: string) => warnings.push(text),
      error: () => {},
    }
    const { transport, mailer } = memoryMailer({ store, logger })
    expect(await mailer.sendMessage(hello, { idempotencyKey: 'k' })).toMatchObject({ status: 'sent', degraded: true })
    expect(await mailer.sendMessage(hello, { idempotencyKey: 'k' })).toMatchObject({
      status: 'skipped',
      reason: 'duplicate',
    })
    expect(transport.sent).toHaveLength(1)
    expect(warnings.length).toBeGreaterThan(0)
  })

  it('that hangs stops none either', async () => {
    const hang = (): Promise<never> => new Promise(() => {})
    const { mailer } = memoryMailer({ store: { add: hang, get: hang, set: hang, delete: hang } })
    const result = mailer.sendMessage(hello, { idempotencyKey: 'k' })
    await expect(result).resolves.toMatchObject({ status: 'sent', degraded: true })
  })
})

describe('a key whose holder died', () => {
  it('is taken over by exactly one, which asks the provider first', async () => {
    let now = 1_000_000
    const clock = { now: () => now, elapsed: () => now }
    const store = memoryStore({ clock })
    let finds = 0
    const sent: string[] = []
    const base: EmailTransport = {
      name: 'test',
      delivers: true,
      send: async () => new Promise(() => {}), // dies with the message in flight
      lookup: { settleMs: 1_000, find: async () => void finds++ as undefined },
      close: async () => {},
    }
    const dying = createMailer({ transport: base, from, store, clock, timeout: '1s' })
    void dying.sendMessage(hello, { idempotencyKey: 'k' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    now += 60_000
    const heir: EmailTransport = {
      ...base,
      send: async (message) => ({ id: `id-${sent.push(message.to[0]?.address ?? '')}`, recipients: [] }),
    }
    const heirs = [1, 2, 3].map(() => createMailer({ transport: heir, from, store, clock, timeout: '1s' }))
    const results = await Promise.all(heirs.map((one) => one.sendMessage(hello, { idempotencyKey: 'k' })))
    expect(results.map(({ status }) => status).sort()).toEqual(['sent', 'skipped', 'skipped'])
    expect(sent).toHaveLength(1)
    expect(finds).toBe(1)
  })
})

describe('queued mail', () => {
  let postmark: PostmarkStandIn | undefined
  afterEach(() => postmark?.close())

  it('waits while Postmark is down, and goes out once when it returns', async () => {
    postmark = await new PostmarkStandIn().listen()
    const { endpoint, token } = postmark
    await postmark.close()
    const jobs: QueuedEmail[] = []
    const log = memorySendLog()
    const mailer = createMailer({
      transport: postmarkTransport({ serverToken: token, endpoint, searchLagMs: 1_000 }),
      from,
      retries: 0,
      timeout: 3_000,
      sendLog: log,
      queue: { enqueue: async (job) => ({ id: `job-${jobs.push(JSON.parse(JSON.stringify(job)) as QueuedEmail)}` }) },
    })
    for (let index = 0; index < 20; index++) {
      const result = await mailer.sendMessage({ ...hello, to: `user${index}@example.com` }, { queue: true })
      expect(result.status).toBe('queued')
    }
    expect(log.entries.map(({ state }) => state)).toEqual(Array(20).fill('queued'))

    /** What a worker of any queue does: hand over, and again as long as the error says that it may. */
    const work = async (job: QueuedEmail): Promise<void> => {
      for (const end = Date.now() + 45_000; Date.now() < end; ) {
        try {
          await mailer.deliver(job)
          return
        } catch (error) {
          const { retryable, retryAfterMs } = error as EmailError
          if (!retryable) throw error
          await new Promise((resolve) => setTimeout(resolve, retryAfterMs ?? 50))
        }
      }
      throw new Error('never delivered')
    }
    const working = Promise.all([...jobs, ...jobs.slice(0, 5)].map(work)) // five are handed over twice
    await new Promise((resolve) => setTimeout(resolve, 200))
    const back = await new PostmarkStandIn().listen(Number(new URL(endpoint).port))
    postmark = back
    // It comes back badly: some requests are taken without an answer, some fail before anything is read.
    back.faults.push(
      { kind: 'reset-after', accepts: true },
      { kind: 'status', status: 503 },
      { kind: 'stalled-body', accepts: true },
      { kind: 'html', status: 502 },
      { kind: 'status', status: 429 },
    )
    await working
    const recipients = back.accepted.map(({ to }) => to[0]).sort()
    expect(recipients).toEqual(Array.from({ length: 20 }, (_, index) => `user${index}@example.com`).sort())
    expect(new Set(log.entries.map(({ state }) => state))).not.toContain('queued')
    await mailer.close()
  }, 60_000)

  it('of many recipients has a result for each, a priority and a delay', async () => {
    const seen: unknown[] = []
    const { mailer } = memoryMailer({
      queue: { enqueue: async (_job, options) => ({ id: `job-${seen.push(options)}` }) },
    })
    await mailer.sendMessage(hello, { queue: true, priority: 'high', delay: '10m', idempotencyKey: 'k' })
    expect(seen).toEqual([{ idempotencyKey: 'k', priority: 'high', delayMs: 600_000 }])
  })

  it('in bulk is handed to a queue that takes many at once in one call, and each has its own outcome', async () => {
    const calls: number[] = []
    const log = memorySendLog()
    const { mailer } = memoryMailer({
      sendLog: log,
      queue: {
        enqueue: () => Promise.reject(new Error('one at a time')),
        enqueueMany: async (items) => {
          calls.push(items.length)
          return items.map((_, index) => (index === 1 ? { error: new Error('full') } : { id: `job-${index}` }))
        },
      },
    })
    const messages = ['a', 'b', 'c, d', 'e'].map((name) => ({ to: `${name}@example.com`, props: {} }))
    const template = defineTemplate({ name: 'plain', props: z.object({}), subject: 'x', text: () => 'x', example: {} })
    expect(await mailer.sendMany(template, messages, { queue: true })).toMatchObject([
      { status: 'queued', jobId: 'job-0' },
      { status: 'failed', error: { kind: 'unavailable', retryable: true, ambiguous: false } },
      { status: 'failed', error: { kind: 'invalid' } },
      { status: 'queued', jobId: 'job-2' },
    ])
    expect(calls).toEqual([3])
    expect(log.entries.map(({ state }) => state).sort()).toEqual(['failed', 'queued', 'queued'])
  })

  it('that came back from the queue changed is refused', async () => {
    const jobs: QueuedEmail[] = []
    const { mailer, transport } = memoryMailer({ queue: { enqueue: async (job) => ({ id: `${jobs.push(job)}` }) } })
    await mailer.sendMessage(hello, { queue: true })
    const [job] = jobs
    if (job === undefined) throw new Error('no job')
    const to = [{ address: 'ada@example.com, evil@evil.example' }]
    await expect(mailer.deliver({ ...job, message: { ...job.message, to } })).rejects.toMatchObject({ kind: 'invalid' })
    const nonsense = { ...job, message: null } as unknown as QueuedEmail
    await expect(mailer.deliver(nonsense)).rejects.toMatchObject({ kind: 'invalid', retryable: false })
    expect(transport.sent).toEqual([])
  })
})

describe('a mailer', () => {
  it('waits for sends under way when it closes, then takes no more', async () => {
    const order: string[] = []
    const transport: EmailTransport = {
      name: 'slow',
      delivers: true,
      send: async () => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        order.push('sent')
        return { id: '1', recipients: [] }
      },
      close: async () => void order.push('closed'),
    }
    const mailer = createMailer({ transport, from })
    const sending = mailer.sendMessage(hello)
    await mailer.close()
    await mailer.close()
    expect(order).toEqual(['sent', 'closed'])
    await sending
    await expect(mailer.sendMessage(hello)).rejects.toMatchObject({ kind: 'unavailable', retryable: false })
  })

  it('tells who listens what it does, without an address', async () => {
    const events: unknown[] = []
    const listen = (event: unknown): void => void events.push(JSON.stringify(event))
    subscribe('tracing:plinth:email:send:asyncEnd', listen)
    await memoryMailer().mailer.sendMessage(hello)
    unsubscribe('tracing:plinth:email:send:asyncEnd', listen)
    expect(events).toHaveLength(1)
    expect(String(events[0])).toContain('"transport":"memory"')
  })
})
