import { TestSmtpServer } from '@plinth/testing/smtp'
import fc from 'fast-check'
import addressparser from 'nodemailer/lib/addressparser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMailer,
  EmailError,
  type EmailTransport,
  formatAddress,
  type Mailer,
  type Message,
} from '../src/index.js'
import { smtpTransport } from '../src/transports/smtp.js'

const RUNS = process.env.PLINTH_LONG === '1' ? 100_000 : 1_000

/** What has split headers, added recipients or confused parsers before, put together at random with any other text. */
const piece = fc.constantFrom(
  '\r\n',
  '\n',
  '\r',
  '\r\n ',
  '\u0000',
  '\u2028',
  '\u0085',
  '\ud800',
  '\u202e',
  '\ufeff',
  '\t',
  '"',
  '\\',
  '\\"',
  '<',
  '>',
  '(',
  ')',
  ',',
  ';',
  ':',
  '@',
  '[',
  ']',
  'Bcc: eve@evil.example',
  'To: eve@evil.example',
  'X-Evil: 1',
  'Content-Type: text/html',
  '=?utf-8?Q?=0D=0ABcc:_eve@evil.example?=',
  '=?UTF-8?B?DQo=?=',
  'eve@evil.example',
  '<eve@evil.example>',
  'ada@example.com',
  'ada@',
  '@example.com',
  'example.com',
  '%0d%0a',
  '%2c',
  'ä',
  'ß',
  '例え',
  '。',
  '．',
  '@',
  'xn--',
  '..',
  ' ',
  'a',
  'undefined: ;',
  'group: a@b.example, c@d.example;',
)
const hostile = fc
  .array(fc.oneof({ weight: 4, arbitrary: piece }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''))
const notText = fc.constantFrom<unknown>(undefined, null, 0, true, [], {}, ['ada@example.com', 'eve@evil.example'], {
  address: 'ada@example.com',
})
const anything = fc.oneof({ weight: 9, arbitrary: hostile as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: notText })
const address = fc.oneof(
  anything,
  hostile.map((text) => `ada${text}@example.com`),
  hostile.map((text) => `ada@example.com${text}`),
  fc.constant('ada@example.com'),
)

interface Hostile {
  readonly address: unknown
  readonly name: unknown
  readonly subject: unknown
  readonly headerName: unknown
  readonly headerValue: unknown
  readonly filename: unknown
  readonly url: string
}

/** One hostile part at a time among good ones, so that most messages get past the other checks. */
const GOOD: Hostile = {
  address: 'ada@example.com',
  name: 'Ada',
  subject: 'Hello',
  headerName: 'X-Test',
  headerValue: '1',
  filename: 'a.txt',
  url: 'https://example.com/out',
}
const one = fc.oneof(
  address.map((value): Hostile => ({ ...GOOD, address: value })),
  anything.map((value): Hostile => ({ ...GOOD, name: value })),
  anything.map((value): Hostile => ({ ...GOOD, subject: value })),
  anything.map((value): Hostile => ({ ...GOOD, headerName: value })),
  anything.map((value): Hostile => ({ ...GOOD, headerValue: value })),
  anything.map((value): Hostile => ({ ...GOOD, filename: value })),
  hostile.map((value): Hostile => ({ ...GOOD, url: `https://example.com/${value}` })),
)

let server: TestSmtpServer
let mailer: Mailer
let handedOver: Message | undefined

beforeAll(async () => {
  server = await new TestSmtpServer().listen()
  const smtp = smtpTransport({ url: server.url() })
  const transport: EmailTransport = {
    name: 'smtp',
    delivers: true,
    send: (message, call) => {
      handedOver = message
      return smtp.send(message, call)
    },
    close: () => smtp.close(),
  }
  mailer = createMailer({ transport, from: 'hello@example.com', retries: 0 })
})

afterAll(async () => {
  await mailer.close()
  await server.close()
})

/** Sends a hostile message; answers what went over the wire, or `undefined` when it was refused before anything did. */
async function attempt(input: Hostile): Promise<{ readonly message: Message; readonly raw: string } | undefined> {
  handedOver = undefined
  server.received.length = 0
  try {
    await mailer.sendMessage({
      to: { address: input.address as string, name: input.name as string },
      subject: input.subject as string,
      text: 'Hi',
      headers: { [input.headerName as string]: input.headerValue as string },
      attachments: [{ filename: input.filename as string, content: new Uint8Array([1]), contentType: 'text/plain' }],
      unsubscribeUrl: input.url,
    })
  } catch (error) {
    expect(error).toBeInstanceOf(EmailError)
    expect(error).toMatchObject({ kind: 'invalid' })
    expect(handedOver).toBeUndefined()
    return undefined
  }
  const [mail, ...others] = server.received
  if (mail === undefined || handedOver === undefined) throw new Error('A message that was sent did not arrive.')
  expect(others).toEqual([])
  expect(mail.to).toHaveLength(1)
  return { message: handedOver, raw: mail.raw }
}

const EXPECTED: ReadonlySet<string> = new Set([
  ...['from', 'to', 'subject', 'message-id', 'date', 'mime-version', 'content-type'],
  ...['list-unsubscribe', 'list-unsubscribe-post'],
])

describe('a message made of hostile names, subjects, addresses and headers', () => {
  it(
    'is refused with a typed error, or has one recipient and no header but its own, whoever reads it',
    async () => {
      let accepted = 0
      await fc.assert(
        fc.asyncProperty(one, async (input) => {
          const sent = await attempt(input)
          if (sent === undefined) return
          accepted++
          const { message, raw } = sent
          const [to] = message.to
          // As Postmark takes it, all recipients in one text, read by a parser that is not ours; then as it came over SMTP.
          const text = to === undefined ? '' : formatAddress(to)
          const header = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ')
          const fields = header
            .split('\r\n')
            .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line] as const)
          const line = fields.find(([name]) => name === 'to')?.[1].slice('To:'.length) ?? ''
          for (const list of [text, line]) {
            expect(addressparser(list, { flatten: true }).map(({ address }) => address)).toEqual([to?.address])
          }
          const names = fields.map(([name]) => name)
          const own = message.headers.map(({ name }) => name.toLowerCase())
          expect(names.filter((name) => !EXPECTED.has(name) && !own.includes(name))).toEqual([])
          expect(new Set(names).size).toBe(names.length)
        }),
        { numRuns: RUNS },
      )
      // A property that refuses everything would show nothing.
      expect(accepted).toBeGreaterThan(RUNS / 20)
    },
    Math.max(60_000, RUNS * 20),
  )
})
