import { type AddressInfo, createServer } from 'node:net'
import { type SmtpFault, TestSmtpServer } from '@plinth/testing/smtp'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createMailer, defineProviderTemplate, EmailError, html, type Mailer, type SendOptions } from '../src/index.js'
import { smtpTransport } from '../src/transports/smtp.js'

const from = { name: 'Plinth, Inc.', address: 'hello@example.com' }

let server: TestSmtpServer
let mailer: Mailer

beforeEach(async () => {
  server = await new TestSmtpServer().listen()
  mailer = mailerTo(server.url())
})

afterEach(async () => {
  await mailer.close()
  await server.close()
})

function mailerTo(url: string, requireTls?: boolean): Mailer {
  const transport = smtpTransport({ url, ...(requireTls === undefined ? {} : { requireTls }) })
  return createMailer({ transport, from, timeout: 15_000, retries: 1 })
}

const message = { to: ['ada@example.com', 'bob@example.com'], bcc: 'hidden@example.com', subject: 'Grüße', text: 'Hi' }

function send(options: SendOptions = {}): Promise<unknown> {
  return mailer.sendMessage(message, options).catch((error: unknown) => error)
}

describe('a mail server', () => {
  it('gets each message once, with its parts, and nobody sees the hidden copy', async () => {
    const content = Buffer.from([0, 1, 2, 255])
    const result = await mailer.sendMessage({
      ...message,
      to: [{ name: 'Ada "The Countess" Lovelace, née Byron', address: 'ada@exämple.com' }],
      html: html`<p>Hi</p>`,
      headers: { 'X-Campaign': 'frühling' },
      attachments: [{ filename: 'däta.bin.txt', content, contentType: 'text/plain', contentId: 'data' }],
      unsubscribeUrl: 'https://example.com/out',
    })
    expect(result).toMatchObject({ status: 'sent', recipients: [{ outcome: 'accepted' }, { outcome: 'accepted' }] })
    expect(server.received).toHaveLength(1)
    const [mail] = server.received
    // The server shows the domain decoded; on the wire, and in the header, it is ASCII.
    expect(mail?.to).toEqual(['ada@exämple.com', 'hidden@example.com'])
    expect(mail?.raw).toContain('<ada@xn--exmple-cua.com>')
    expect(mail?.raw).toContain('From: "Plinth, Inc." <hello@example.com>')
    expect(mail?.raw).toContain('Subject: =?UTF-8?')
    expect(mail?.raw).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
    expect(mail?.raw).toContain(content.toString('base64'))
    expect(mail?.raw).not.toContain('hidden@')
  })

  it('keeps its connections for the next message', async () => {
    let connections = 0
    await server.close()
    const onConnect = (_session: unknown, callback: () => void): void => {
      connections++
      callback()
    }
    server = await new TestSmtpServer({ onConnect }).listen()
    mailer = mailerTo(server.url())
    for (let count = 0; count < 5; count++) await send()
    expect(server.received).toHaveLength(5)
    expect(connections).toBe(1)
  })

  it('that refuses one recipient makes the result partial', async () => {
    server.faults.push({ at: 'rcpt', code: 550, only: 'bob@example.com' })
    expect(await send()).toMatchObject({
      status: 'partial',
      recipients: [
        { address: 'ada@example.com', outcome: 'accepted' },
        { address: 'bob@example.com', outcome: 'invalid' },
        { address: 'hidden@example.com', outcome: 'accepted' },
      ],
    })
  })

  it('takes a login, and a wrong one is a typed error without the password', async () => {
    mailer = mailerTo(server.url('user:correct%20horse@'))
    expect(await send()).toMatchObject({ status: 'sent' })
    await mailer.verify()
    const wrong = mailerTo(server.url('user:wrong-password-1234@'))
    const error = await wrong.sendMessage(message).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ kind: 'auth', retryable: false })
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('wrong-password-1234')
    await expect(wrong.verify()).rejects.toMatchObject({ kind: 'auth' })
    await wrong.close()
  })

  it('without TLS gets nothing when TLS is asked for', async () => {
    const strict = mailerTo(server.url(), true)
    await expect(strict.sendMessage(message)).rejects.toMatchObject({ kind: 'config', ambiguous: false })
    await strict.close()
    expect(server.attempts).toBe(0)
  })
})

interface Expectation {
  readonly name: string
  readonly fault: SmtpFault
  readonly kind: string
  readonly retryable: boolean
  readonly ambiguous?: boolean
  /** How often the message was begun, with one retry allowed. */
  readonly attempts: number
}

const FAULTS: readonly Expectation[] = [
  { name: '550 for all', fault: { at: 'data', code: 550 }, kind: 'invalid', retryable: false, attempts: 1 },
  { name: '552', fault: { at: 'data', code: 552 }, kind: 'payload-too-large', retryable: false, attempts: 1 },
  { name: '451', fault: { at: 'data', code: 451 }, kind: 'unavailable', retryable: true, attempts: 2 },
  { name: 'a reset half way', fault: 'reset-in-data', kind: 'unavailable', retryable: true, attempts: 2 },
  {
    name: 'a reset after the message',
    fault: 'reset-after-data',
    kind: 'unavailable',
    retryable: true,
    ambiguous: true,
    attempts: 1,
  },
  {
    name: 'silence after the message',
    fault: 'stall-after-data',
    kind: 'timeout',
    retryable: true,
    ambiguous: true,
    attempts: 1,
  },
]

describe('a mail server that fails with', () => {
  it.each(FAULTS)(
    '$name: $kind, repeated only if nothing was sent',
    async ({ fault, attempts, kind, ...expected }) => {
      const big = fault === 'reset-in-data' ? `${'x'.repeat(70)}\n`.repeat(250_000) : 'Hi'
      server.faults.push(fault, fault)
      const error = await mailer
        .sendMessage({ ...message, text: big }, { timeout: fault === 'stall-after-data' ? 2_000 : 60_000 })
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(EmailError)
      expect(error).toMatchObject({ kind, retryable: expected.retryable, ambiguous: expected.ambiguous ?? false })
      expect(server.attempts).toBe(attempts)
    },
    90_000,
  )

  it('an ambiguous end: under the same key it is never sent again', async () => {
    server.faults.push('reset-after-data')
    expect(await send({ idempotencyKey: 'once' })).toMatchObject({ ambiguous: true })
    expect(await send({ idempotencyKey: 'once' })).toMatchObject({ ambiguous: true, retryable: false })
    expect(server.received).toHaveLength(1)
    expect(server.attempts).toBe(1)
  })

  it('no greeting: ends with the timeout, nothing sent', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const waiting = mailerTo(`smtp://127.0.0.1:${port}`)
    await expect(waiting.sendMessage(message, { timeout: 300 })).rejects.toMatchObject({
      kind: 'timeout',
      retryable: true,
      ambiguous: false,
    })
    await waiting.close()
    silent.close()
  })

  it('nobody there: unavailable, nothing sent', async () => {
    const url = server.url()
    await server.close()
    const away = mailerTo(url)
    await expect(away.sendMessage(message)).rejects.toMatchObject({ kind: 'unavailable', ambiguous: false })
    await away.close()
    server = await new TestSmtpServer().listen()
  })
})

/** The least of a mail server, saying what it is told to: the real one cannot be brought to these answers. */
async function scriptedServer(answers: Readonly<Record<string, string>>): Promise<string> {
  const offer = 'STARTTLS' in answers ? 'STARTTLS' : 'AUTH PLAIN'
  const scripted = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('220 ready\r\n')
    socket.on('data', (data) => {
      const command = String(data).trim().split(' ')[0] ?? ''
      const answer = command === 'EHLO' ? `250-hello\r\n250 ${offer}` : (answers[command] ?? '250 fine')
      socket.write(`${answer}\r\n`)
      if (answer.startsWith('421')) socket.end()
    })
  })
  await new Promise<void>((resolve) => scripted.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void scripted.close())
  return `127.0.0.1:${(scripted.address() as AddressInfo).port}`
}

describe('a mail server that answers "not now"', () => {
  it.each([
    ['454 to STARTTLS', { STARTTLS: '454 TLS not available due to temporary reason' }, '', true],
    ['421 to STARTTLS', { STARTTLS: '421 Closing' }, '', true],
    ['454 to the login', { AUTH: '454 Temporary authentication failure' }, 'user:secret-password@', false],
    ['421 to the login', { AUTH: '421 Closing' }, 'user:secret-password@', false],
  ])('%s: unavailable and retryable, nothing sent', async (_, answers, login, tls) => {
    const waiting = mailerTo(`smtp://${login}${await scriptedServer(answers)}`, tls)
    const error = await waiting.sendMessage(message).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ kind: 'unavailable', retryable: true, ambiguous: false })
    expect(String((error as Error).stack)).not.toContain('secret-password')
    await waiting.close()
  })

  it('5xx to STARTTLS: a server without TLS, which no repetition mends', async () => {
    const strict = mailerTo(`smtp://${await scriptedServer({ STARTTLS: '502 Not implemented' })}`, true)
    await expect(strict.sendMessage(message)).rejects.toMatchObject({ kind: 'config', retryable: false })
    await strict.close()
  })
})

describe('the smtp transport', () => {
  it('refuses a template that a provider keeps', async () => {
    const kept = defineProviderTemplate({ name: 'kept', props: z.object({}), example: {} })
    await expect(mailer.send(kept, { to: 'ada@example.com', props: {} })).rejects.toMatchObject({ kind: 'config' })
  })

  it.each(['http://host', 'smtp://', 'nonsense', 'smtp://user:pa#ss@host'])('refuses the address %s', (url) => {
    expect(() => smtpTransport({ url })).toThrow(/percent-encoded/)
    expect(() => smtpTransport({ url })).not.toThrow(/pa#ss/)
  })
})
