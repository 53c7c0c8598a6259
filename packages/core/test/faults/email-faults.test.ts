import { createServer } from 'node:http'
import { createServer as createPlainServer } from 'node:net'
import { freePort, leakCheck } from '@plinth/testing'
import { createTransport } from 'nodemailer'
import { ServerClient } from 'postmark'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { classifyFault } from '../../src/faults/classify-fault.js'
import { postmarkFaults, smtpFaults } from '../../src/faults/email-faults.js'

leakCheck()

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('what Postmark answers is sorted by its error code, then by the HTTP status', () => {
  const send = (port: number): Promise<unknown> => {
    const client = new ServerClient('token', { requestHost: `127.0.0.1:${port}`, useHttps: false, timeout: 0.5 })
    return caught(client.sendEmail({ From: 'a@example.com', To: 'b@example.com', Subject: 's', TextBody: 't' }))
  }

  async function answering(status: number, body: string): Promise<number> {
    const server = createServer((_, response) => {
      if (status > 0) response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  test.each([
    [401, 10, 'postmark/token', 'misconfigured'],
    [422, 300, 'postmark/invalid-message', 'bug'],
    [422, 400, 'postmark/sender', 'misconfigured'],
    [422, 401, 'postmark/sender', 'misconfigured'],
    [422, 405, 'postmark/account', 'misconfigured'],
    [422, 406, 'postmark/inactive-recipient', 'bug'],
    [422, 412, 'postmark/account', 'misconfigured'],
    [422, 413, 'postmark/account', 'misconfigured'],
    [422, 1235, 'postmark/stream', 'misconfigured'],
    [429, 429, 'postmark/rate-limited', 'outage'],
    [503, 100, 'postmark/maintenance', 'outage'],
    [500, 0, 'postmark/server', 'outage'],
    [413, 0, 'postmark/too-large', 'bug'],
    [401, 0, 'postmark/token', 'misconfigured'],
  ])('HTTP %i with code %i is %s', async (status, code, id, kind) => {
    const port = await answering(status, JSON.stringify({ ErrorCode: code, Message: 'no' }))
    const error = await send(port)
    expect(classifyFault(error, 'postmark'), String(error)).toMatchObject({ kind, rule: { id } })
  })

  test('a page of HTML from something in between is an outage', async () => {
    const error = await send(await answering(502, '<html>Bad Gateway</html>'))
    expect(classifyFault(error, 'postmark')).toMatchObject({ kind: 'outage', rule: { id: 'postmark/server' } })
  })

  test('nobody there, and no answer in time, are outages', async () => {
    expect(classifyFault(await send(await freePort()), 'postmark')).toMatchObject({ kind: 'outage' })
    expect(classifyFault(await send(await answering(0, '')), 'postmark')).toMatchObject({ kind: 'outage' })
  })

  test('a fetch of one’s own that times out is an outage, whatever it throws', () => {
    for (const error of [
      new DOMException('late', 'TimeoutError'),
      Object.assign(new Error('x'), { code: 'ABORT_ERR' }),
    ]) {
      expect(classifyFault(error, 'postmark').rule?.id).toBe('postmark/timeout')
    }
  })
})

describe('what SMTP servers and nodemailer say is sorted by the reply code', () => {
  async function smtp(options: SMTPServerOptions): Promise<number> {
    const server = new SMTPServer({ logger: false, disabledCommands: ['STARTTLS'], ...options })
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    onTestFinished(() => void server.close(() => {}))
    const address = server.server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  const send = (port: number, options: object = {}): Promise<unknown> => {
    const patience = { connectionTimeout: 500, greetingTimeout: 500, socketTimeout: 500 }
    const transport = createTransport({ host: '127.0.0.1', port, ...patience, ...options })
    return caught(transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: 's', text: 't' }))
  }

  const auth = { user: 'ada', pass: 'wrong' }

  test('a refused login, and a login that is missing', async () => {
    const port = await smtp({ onAuth: (_auth, _session, answer) => answer(new Error('Invalid username or password')) })
    for (const error of [await send(port, { auth }), await send(port)]) {
      expect(classifyFault(error, 'smtp')).toMatchObject({ kind: 'misconfigured', rule: { id: 'smtp/authentication' } })
    }
  })

  test.each([
    [421, 'smtp/later', 'outage'],
    [450, 'smtp/later', 'outage'],
    [451, 'smtp/later', 'outage'],
    [452, 'smtp/later', 'outage'],
    [550, 'smtp/refused-message', 'bug'],
    [552, 'smtp/refused-message', 'bug'],
    [554, 'smtp/refused-message', 'bug'],
  ])('a recipient refused with %i is %s', async (responseCode, id, kind) => {
    const onRcptTo: SMTPServerOptions['onRcptTo'] = (_address, _session, answer) =>
      answer(Object.assign(new Error('no'), { responseCode }))
    const error = await send(await smtp({ authOptional: true, onRcptTo }))
    expect(classifyFault(error, 'smtp'), String(error)).toMatchObject({ kind, rule: { id } })
  })

  test('encryption that is asked for and not offered, on both kinds of port', async () => {
    const port = await smtp({ authOptional: true })
    for (const error of [await send(port, { requireTLS: true }), await send(port, { secure: true })]) {
      expect(classifyFault(error, 'smtp'), String(error)).toMatchObject({
        kind: 'misconfigured',
        rule: { id: 'smtp/tls' },
      })
    }
  })

  test('a certificate that nobody signed', async () => {
    const port = await smtp({ authOptional: true, secure: true })
    expect(classifyFault(await send(port, { secure: true }), 'smtp')).toMatchObject({
      kind: 'misconfigured',
      rule: { id: 'smtp/certificate' },
    })
  })

  test('nobody there, a name that nobody knows, and a server that stalls, are outages', async () => {
    const silent = createPlainServer((socket) => void socket.on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const errors = [
      await send(await freePort()),
      await send(25, { host: 'smtp.invalid' }),
      await send(typeof address === 'object' ? (address?.port ?? 0) : 0),
    ]
    for (const error of errors) expect(classifyFault(error, 'smtp'), String(error)).toMatchObject({ kind: 'outage' })
  })
})

test('no line about email is without such a proof', () => {
  const ids = new Set([...postmarkFaults, ...smtpFaults].map(({ id }) => id).filter((id) => !id.startsWith('network/')))
  expect([...ids].toSorted()).toEqual([
    'postmark/account',
    'postmark/inactive-recipient',
    'postmark/invalid-message',
    'postmark/maintenance',
    'postmark/rate-limited',
    'postmark/sender',
    'postmark/server',
    'postmark/stream',
    'postmark/timeout',
    'postmark/token',
    'postmark/too-large',
    'postmark/unreachable',
    'smtp/authentication',
    'smtp/certificate',
    'smtp/connection',
    'smtp/later',
    'smtp/refused-message',
    'smtp/tls',
  ])
})
