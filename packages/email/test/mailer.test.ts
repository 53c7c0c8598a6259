import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  consoleTransport,
  createMailer,
  defineTemplate,
  disabledMailer,
  EmailError,
  html,
  memoryTransport,
  outboxTransport,
  type QueuedEmail,
} from '../src/index.js'
import { temporaryFolder } from './temporary-folder.js'

const welcome = defineTemplate({
  name: 'welcome',
  props: z.object({ name: z.string() }),
  subject: ({ name }) => `Welcome, ${name}`,
  html: ({ name }, { companyName }) => html`<p>Hello <b>${name}</b></p><p>Yours, ${companyName}</p>`,
  example: { name: 'Ada' },
})

const from = { name: 'Plinth', address: 'hello@example.com' }
const ada = { name: 'Ada', address: 'ada@example.com' }

describe('a mailer', () => {
  it('sends a template: subject, escaped HTML, and a text part made from it', async () => {
    const transport = memoryTransport()
    const mailer = createMailer({ transport, from })
    const result = await mailer.send(welcome, { to: ada, props: { name: '<Ada> & co' } })
    expect(result).toEqual({
      status: 'sent',
      id: expect.any(String),
      recipients: [{ address: 'ada@example.com', outcome: 'accepted' }],
    })
    expect(transport.assertSent({ template: welcome, to: 'ADA@example.com' })).toMatchObject({
      from,
      to: [ada],
      tag: 'welcome',
      content: {
        subject: 'Welcome, <Ada> & co',
        html: '<p>Hello <b>&lt;Ada&gt; &amp; co</b></p><p>Yours, Plinth</p>',
        text: 'Hello <Ada> & co\n\nYours, Plinth',
      },
    })
  })

  it('refuses props that the schema refuses, naming the prop and not its value', async () => {
    const mailer = createMailer({ transport: memoryTransport(), from })
    const wrong = { name: 42 } as unknown as { name: string }
    const error = await mailer.send(welcome, { to: ada, props: wrong }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(EmailError)
    expect(error).toMatchObject({ kind: 'template', code: 'EMAIL_TEMPLATE', retryable: false, ambiguous: false })
    expect(String(error)).toContain('name')
    expect(String(error)).not.toContain('42')
  })

  it('puts a message into the queue, and a worker sends it once however often it is handed over', async () => {
    const jobs: QueuedEmail[] = []
    const transport = memoryTransport()
    const queue = { enqueue: async (job: QueuedEmail) => ({ id: `job-${jobs.push(job)}` }) }
    const mailer = createMailer({ transport, from, queue })
    const content = new Uint8Array([1, 2, 3])
    const attachments = [{ filename: 'a.bin.txt', content, contentType: 'text/plain' }]
    const result = await mailer.send(welcome, { to: ada, props: { name: 'Ada' }, attachments }, { queue: true })
    expect(result).toEqual({ status: 'queued', jobId: 'job-1' })
    expect(transport.sent).toEqual([])
    const job = JSON.parse(JSON.stringify(jobs[0])) as QueuedEmail
    await expect(mailer.deliver(job)).resolves.toMatchObject({ status: 'sent' })
    await expect(mailer.deliver(job)).resolves.toMatchObject({ status: 'skipped', reason: 'duplicate' })
    expect(transport.sent).toHaveLength(1)
    expect(Buffer.from(transport.sent[0]?.attachments[0]?.content ?? [])).toEqual(Buffer.from(content))
  })

  it('refuses queue: true when it has no queue', async () => {
    const mailer = createMailer({ transport: memoryTransport(), from })
    await expect(mailer.send(welcome, { to: ada, props: { name: 'A' } }, { queue: true })).rejects.toMatchObject({
      kind: 'config',
    })
  })

  it('sends nothing the second time under one idempotency key', async () => {
    const transport = memoryTransport()
    const mailer = createMailer({ transport, from })
    const send = () => mailer.send(welcome, { to: ada, props: { name: 'Ada' } }, { idempotencyKey: 'welcome:1' })
    const results = await Promise.all([send(), send(), send()])
    expect(results.map(({ status }) => status).sort()).toEqual(['sent', 'skipped', 'skipped'])
    expect(transport.sent).toHaveLength(1)
  })

  it('sends to many, each with its own result', async () => {
    const transport = memoryTransport()
    const mailer = createMailer({ transport, from })
    const to = ['a@example.com', 'not an address', 'c@example.com']
    const results = await mailer.sendMany(
      welcome,
      to.map((address) => ({ to: address, props: { name: address } })),
    )
    expect(results.map(({ status }) => status)).toEqual(['sent', 'failed', 'sent'])
    expect(transport.sent).toHaveLength(2)
  })

  it('reads the messages of a bulk send a part at a time, and what was sent before reading failed is not sent again', async () => {
    const transport = memoryTransport()
    const mailer = createMailer({ transport, from })
    let read = 0
    async function* rows(failAt: number) {
      for (read = 0; read < 1200; read++) {
        if (read === failAt) throw new Error('the cursor was closed')
        const address = `user${read}@example.com`
        yield { to: address, props: { name: 'Ada' }, idempotencyKey: address }
      }
    }
    const readAhead: number[] = []
    const onProgress = ({ done }: { readonly done: number }) => readAhead.push(read + 1 - done)
    await expect(mailer.sendMany(welcome, rows(700), { onProgress })).rejects.toThrow('the cursor was closed')
    expect(transport.sent).toHaveLength(500)
    const results = await mailer.sendMany(welcome, rows(-1), { onProgress })
    expect(results.filter(({ status }) => status === 'skipped')).toHaveLength(500)
    expect(transport.sent).toHaveLength(1200)
    expect(readAhead).toEqual([0, 0, 0, 1])
  })

  it('sends what is written by hand', async () => {
    const transport = memoryTransport()
    const mailer = createMailer({ transport, from })
    await mailer.sendMessage({ to: ada, subject: 'Hi', html: html`<p>One</p><p>Two</p>` })
    expect(transport.assertSent({ subject: 'Hi' }).content).toMatchObject({ text: 'One\n\nTwo' })
  })
})

describe('a disabled mailer', () => {
  it('answers skipped to every send and can deliver nothing', async () => {
    const mailer = disabledMailer()
    const skipped = { status: 'skipped', reason: 'disabled' }
    expect(mailer.canDeliver).toBe(false)
    expect(await mailer.send(welcome, { to: ada, props: { name: 'Ada' } }, { queue: true })).toEqual(skipped)
    expect(await mailer.sendMessage({ to: ada, subject: 'Hi', text: 'Hi' })).toEqual(skipped)
    expect(await mailer.sendMany(welcome, [{ to: ada, props: { name: 'Ada' } }])).toEqual([skipped])
    await mailer.close()
  })
})

describe('the outbox', () => {
  it('writes files only their owner can read, and keeps no more than its limit', async () => {
    const dir = join(await temporaryFolder(), 'box')
    const transport = outboxTransport({ dir, limit: 10 })
    const mailer = createMailer({ transport, from })
    expect(mailer.canDeliver).toBe(false)
    for (let count = 0; count < 25; count++) await mailer.send(welcome, { to: ada, props: { name: `n${count}` } })
    await mailer.close()
    const files = (await readdir(dir)).filter((name) => !name.startsWith('.'))
    expect(files.filter((name) => name.endsWith('.json')).length).toBeLessThanOrEqual(11)
    for (const name of files) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('*\n')
    const [newest] = await transport.mailbox.list(5)
    expect(newest?.message.content).toMatchObject({ subject: 'Welcome, n24' })
    expect(await transport.mailbox.read(newest?.id ?? '')).toEqual(newest)
  })
})

describe('the console', () => {
  it('shows links in development and neither links nor addresses in production', async () => {
    const lines: string[] = []
    const message = { to: ada, subject: 'Reset', text: 'Go to https://example.com/reset?token=abc' }
    for (const production of [false, true]) {
      const transport = consoleTransport({ production, write: (text) => lines.push(text) })
      await createMailer({ transport, from }).sendMessage(message)
    }
    expect(lines[0]).toContain('https://example.com/reset?token=abc')
    expect(lines[1]).not.toMatch(/token|ada@|Reset/)
  })
})
