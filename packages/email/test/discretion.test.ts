import { tracingChannel } from 'node:diagnostics_channel'
import { readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Logger } from '@plinth/core'
import { PostmarkStandIn, type StandInFault } from '@plinth/testing/postmark'
import { TestSmtpServer } from '@plinth/testing/smtp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createMailer,
  defineTemplate,
  EmailError,
  type EmailStore,
  html,
  type Mailer,
  outboxTransport,
} from '../src/index.js'
import { postmarkTransport } from '../src/transports/postmark.js'
import { smtpTransport } from '../src/transports/smtp.js'
import { temporaryFolder } from './temporary-folder.js'

const from = 'hello@example.com'
const anyProps = z.object({})

/** Whatever stands in here has left the mailer by a way that people or machines read. */
let sinks: string[]
const logger = new Proxy({} as Logger, {
  get: (_target, level) => (level === 'child' ? () => logger : (...parts: unknown[]) => sink('log', parts)),
})
const channel = tracingChannel('plinth:email:send')
const hear = (message: unknown): void => sink('trace', message)
const subscribers = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear }

/** Everything that can be made of a value: as it is inspected to the last depth, as JSON, as text, its causes too. */
function sink(where: string, value: unknown): void {
  for (let error: unknown = value; error instanceof Error; error = error.cause) {
    sinks.push(`${where}: ${error} ${error.stack} ${JSON.stringify(error)}`)
  }
  sinks.push(`${where}: ${inspect(value, { depth: 20, showHidden: true, getters: true })}`)
  try {
    sinks.push(`${where}: ${JSON.stringify(value)}`)
  } catch {
    // A cycle: inspect has shown it.
  }
}

beforeEach(() => {
  sinks = []
  channel.subscribe(subscribers)
})
afterEach(() => channel.unsubscribe(subscribers))

/** A store that is away, so that the mailer has something to log. */
const away = async (): Promise<never> => {
  throw new Error('The store is away')
}
const brokenStore: EmailStore = { add: away, get: away, set: away, delete: away }

async function sendAndListen(mailer: Mailer): Promise<unknown> {
  const message = { to: 'planted.recipient@example.com', subject: 'planted subject', text: 'planted text' }
  const error = await mailer.sendMessage(message, { idempotencyKey: 'k' }).catch((caught: unknown) => caught)
  sink('result', error)
  sink('mailer', mailer)
  await mailer.verify().catch((caught: unknown) => sink('verify', caught))
  return error
}

describe('what is secret', () => {
  const faults: readonly (readonly StandInFault[])[] = [
    [],
    [{ kind: 'status', status: 401 }],
    [{ kind: 'status', status: 500 }],
    [{ kind: 'html', status: 502 }],
    [{ kind: 'refusal', status: 422, code: 300, message: "Invalid 'To' address: 'planted.recipient@example.com'." }],
    [{ kind: 'reset-before' }],
    [{ kind: 'reset-after' }],
    [{ kind: 'stalled-body' }],
  ]

  it.each(faults)(
    'never leaves a mailer on Postmark by a log, an error, inspect, JSON or a trace: %j',
    async (fault) => {
      const postmark = await new PostmarkStandIn().listen()
      if (fault !== undefined) postmark.faults.push(fault)
      const { token: serverToken, endpoint } = postmark
      const transport = postmarkTransport({ serverToken, endpoint, searchLagMs: 0 })
      sink('transport', transport)
      const mailer = createMailer({ transport, from, logger, store: brokenStore, timeout: 400, retries: 0 })
      const outcome = await sendAndListen(mailer)
      const all = sinks.join('\n')
      expect(all).not.toContain(postmark.token)
      expect(all).not.toMatch(/planted (?:subject|text)/)
      if (outcome instanceof Error) expect(all).not.toContain('planted.recipient')
      expect(all).toMatch(/^trace:/m)
      expect(all).toMatch(/^log:/m)
      await mailer.close()
      await postmark.close()
    },
  )

  it('never leaves a mailer on SMTP either, refused or not', async () => {
    for (const password of ['correct horse', 'planted password']) {
      const server = await new TestSmtpServer().listen()
      const transport = smtpTransport({ url: server.url(`user:${encodeURIComponent(password)}@`) })
      sink('transport', transport)
      const mailer = createMailer({ transport, from, logger, store: brokenStore, timeout: 3_000, retries: 0 })
      await sendAndListen(mailer)
      const all = sinks.join('\n')
      expect(all).not.toContain(password)
      expect(all).not.toContain(encodeURIComponent(password))
      expect(all).not.toContain(Buffer.from(`\0user\0${password}`).toString('base64'))
      await mailer.close()
      await server.close()
    }
  })
})

describe('the outbox folder', () => {
  it('holds every file, whatever the names in the message are', async () => {
    const parent = await temporaryFolder()
    const mailer = createMailer({ transport: outboxTransport({ dir: join(parent, 'box') }), from })
    for (const name of [
      '../escape',
      '/../../escape',
      'x/../../escape',
      '..',
      '/etc/x',
      'a/b',
      'a\\b',
      'a\0b',
      '',
      'A',
      '.hidden',
      'x'.repeat(65),
    ]) {
      const define = (): unknown =>
        defineTemplate({ name, props: anyProps, subject: 'x', html: () => html`x`, example: {} })
      expect(define, name).toThrow(EmailError)
      const forged = {
        name,
        example: {},
        render: async () => ({ kind: 'rendered', subject: '../x', text: 'x' }) as const,
      }
      await mailer.send(forged, { to: 'ada@example.com', props: {} }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(EmailError)
      })
    }
    await mailer.sendMessage({
      to: { name: '../../escape', address: 'ada@example.com' },
      subject: '../../escape',
      text: 'x',
      tag: '../../escape',
      attachments: [{ filename: '..', content: new Uint8Array([1]), contentType: 'text/plain' }],
    })
    expect(await readdir(parent)).toEqual(['box'])
    for (const entry of await readdir(join(parent, 'box'), { withFileTypes: true })) {
      expect(entry.isFile()).toBe(true)
      expect((await stat(join(parent, 'box', entry.name))).mode & 0o777).toBe(0o600)
    }
  })

  it('is left neither by reading an id that is a path nor by a link that lies in it', async () => {
    const parent = await temporaryFolder()
    const transport = outboxTransport({ dir: join(parent, 'box') })
    const mailer = createMailer({ transport, from })
    await mailer.sendMessage({ to: 'ada@example.com', subject: 'x', text: 'x' })
    const [{ id } = { id: '' }] = await transport.mailbox.list(1)
    await writeFile(join(parent, 'secret.json'), '{"at":1,"message":{}}')
    const link = id.replace(/-[0-9a-f]{8}-/, '-00000000-')
    await symlink(join(parent, 'secret.json'), join(parent, 'box', `${link}.json`))
    for (const path of ['../secret', `../box/${id}`, link, `${id}/../../secret`, `${id}\0`]) {
      expect(await transport.mailbox.read(path)).toBeUndefined()
    }
    expect(await transport.mailbox.read(id)).toBeDefined()
  })
})
