import fc from 'fast-check'
import { createTransport } from 'nodemailer'
import addressparser from 'nodemailer/lib/addressparser'
import { describe, expect, it } from 'vitest'
import {
  createMailer,
  EmailError,
  type EmailTransport,
  headersOf,
  type Message,
  type WrittenMessage,
} from '../src/index.js'
import { toPostmark } from '../src/transports/postmark/postmark-message.js'
import { toSmtp } from '../src/transports/smtp/smtp-message.js'

const RUNS = process.env.PLINTH_LONG === '1' ? 100_000 : 3_000

const FRAGMENTS = [
  ...['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\u000b', '\ud800', '\udc00', '\u202e', '\u00a0', '\t', ' '],
  ...[
    ',',
    ';',
    ':',
    '<',
    '>',
    '"',
    "'",
    '\\',
    '(',
    ')',
    '@',
    '[',
    ']',
    '%0d%0a',
    '&#10;',
    '=0D=0A',
    '=?utf-8?Q?=0D=0ABcc:_e@evil.example?=',
  ],
  ...[
    'Bcc: evil@evil.example',
    '\r\nBcc: evil@evil.example',
    'evil@evil.example',
    ', evil@evil.example',
    '" <evil@evil.example>, "',
  ],
  ...[
    '<evil@evil.example>',
    '\r\n\r\n<script>',
    '\r\n.\r\nRCPT TO:<evil@evil.example>',
    'group: a@evil.example;',
    '(comment)',
    '"quoted"@evil.example',
  ],
  ...[
    'ada@example.com',
    'ada',
    '@example.com',
    'example.com',
    'exämple.com',
    'xn--',
    '..',
    '.',
    '-',
    '０',
    '＠',
    '，',
    '．com',
    'İ',
    'ß',
    '日本語',
    '👩‍👧',
    'a'.repeat(300),
  ],
  ...['X-Test', 'Content-Type', 'To', 'bcc', 'from', 'X-PM-Bcc', 'Reply-To', 'Subject', '__proto__', 'constructor'],
]

const hostile = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom(...FRAGMENTS), { minLength: 1, maxLength: 4 }).map((all) => all.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
)
/** Hostile text now and then, so that most messages get past the first check and reach the next. */
const mixed = (fine: string) => fc.oneof({ weight: 9, arbitrary: fc.constant(fine) }, { weight: 1, arbitrary: hostile })

const address = fc.record({ name: fc.oneof(hostile, fc.constant('Ada')), address: mixed('ada@example.com') })

const message: fc.Arbitrary<WrittenMessage> = fc.record({
  to: fc.oneof(address, fc.array(address, { minLength: 1, maxLength: 3 })),
  cc: fc.oneof(fc.constant(undefined), address),
  bcc: fc.oneof(fc.constant(undefined), mixed('hidden@example.com')),
  replyTo: fc.oneof(fc.constant(undefined), address),
  subject: mixed('Hello'),
  text: hostile,
  tag: mixed('tag'),
  headers: fc.dictionary(mixed('X-One'), mixed('value'), { maxKeys: 2 }),
  metadata: fc.dictionary(mixed('key'), mixed('value'), { maxKeys: 2 }),
  unsubscribeUrl: fc.oneof(fc.constant(undefined), mixed('https://example.com/out')),
  attachments: fc.array(
    fc.record({
      filename: mixed('a.txt'),
      content: fc.constant(new Uint8Array([1])),
      contentType: mixed('text/plain'),
      contentId: fc.oneof(fc.constant(undefined), mixed('cid')),
    }),
    { maxLength: 1 },
  ),
})

/** Builds the bytes that would go over SMTP, without a server. */
const composer = createTransport({ streamTransport: true, buffer: true })

/** What a message is allowed to be on the wire; throws when anything else came of it. */
async function check(given: WrittenMessage, ready: Message): Promise<void> {
  const asked = { to: addressesIn(given.to), cc: addressesIn(given.cc), bcc: addressesIn(given.bcc) }
  const payload = toPostmark({ message: ready }) as unknown as Record<string, string | undefined>
  for (const [field, list] of [
    ['To', asked.to],
    ['Cc', asked.cc],
    ['Bcc', asked.bcc],
  ] as const) {
    const value = payload[field] ?? ''
    const parsed = addressparser(value, { flatten: true }).map((one) => one.address)
    expect(parsed.map(lower)).toEqual(list.map(lower))
    // The simplest parser there is must agree: without what is in quotes, commas part the recipients.
    const naive = value.replace(/"[^"]*"/g, '').split(',')
    expect(naive.filter((part) => part.trim() !== '')).toHaveLength(list.length)
  }
  const { From, Subject, Tag, ReplyTo } = payload
  const lines = [
    From,
    Subject,
    Tag,
    ReplyTo,
    payload.To,
    ...headersOf(ready).flatMap(({ name, value }) => [name, value]),
  ]
  for (const line of lines) expect(line ?? '').not.toMatch(/[\r\n\0\u0085\u2028\u2029]/)

  const mail = toSmtp(ready, undefined)
  const info = await composer.sendMail(mail)
  const everyone = [...asked.to, ...asked.cc, ...asked.bcc].map(lower)
  expect(new Set([info.envelope.to].flat().map((one) => lower(String(one))))).toEqual(new Set(everyone))
  const [head = ''] = String(info.message).split(/\r?\n\r?\n/)
  const names = head.split(/\r?\n(?![ \t])/).map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
  const own = ['from', 'to', 'cc', 'reply-to', 'subject', 'message-id', 'date', 'mime-version']
  const expected = new Set([...own, ...headersOf(ready).map(({ name }) => name.toLowerCase())])
  for (const name of names) expect(expected.has(name) || name.startsWith('content-')).toBe(true)
  expect(new Set(names).size).toBe(names.length)
}

/** The addresses as given, the domain as it must go over the wire. */
function addressesIn(recipients: WrittenMessage['cc']): string[] {
  const list = recipients === undefined ? [] : Array.isArray(recipients) ? recipients : [recipients]
  return list.map((one: unknown) => {
    const text = typeof one === 'string' ? one : (one as { address: string }).address
    const at = text.lastIndexOf('@')
    return `${text.slice(0, at)}@${new URL(`http://${text.slice(at + 1)}`).hostname}`
  })
}

function lower(text: string): string {
  return text.toLowerCase()
}

describe('hostile names, subjects, addresses and headers', () => {
  it(`add no recipient and no header, and are refused with a typed error or sent as they are (${RUNS} messages)`, async () => {
    let accepted = 0
    let refused = 0
    const seed = Date.now() & 0x7fffffff
    let taken: Message | undefined
    const transport: EmailTransport = {
      name: 'capture',
      delivers: true,
      send: async (ready) => {
        taken = ready
        return { id: '1', recipients: [] }
      },
      close: async () => {},
    }
    const mailer = createMailer({ transport, from: { name: 'Plinth, Inc. "the" base', address: 'hello@example.com' } })
    await fc.assert(
      fc.asyncProperty(message, async (given) => {
        taken = undefined
        try {
          await mailer.sendMessage(given)
        } catch (error) {
          if (!(error instanceof EmailError) || error.kind !== 'invalid') throw error
          // What was refused is told by field, never quoted.
          expect(error.message).not.toMatch(/evil/)
          refused++
          return
        }
        if (taken === undefined) throw new Error('neither sent nor refused')
        accepted++
        await check(given, taken)
      }),
      { numRuns: RUNS, seed },
    )
    console.log(`injection: seed ${seed}, ${accepted} accepted, ${refused} refused`)
    expect(accepted).toBeGreaterThan(RUNS / 100)
    expect(refused).toBeGreaterThan(RUNS / 10)
  }, 900_000)

  it('are caught by the check when a transport would put them together carelessly', async () => {
    const evil = { name: 'x, evil@evil.example', address: 'ada@example.com' }
    const careless = { to: evil, subject: 'Hi', text: 'Hi' }
    const address = { address: 'ada@example.com, evil@evil.example' }
    const base: Message = {
      from: { address: 'hello@example.com' },
      to: [evil],
      cc: [],
      bcc: [],
      replyTo: [],
      content: { kind: 'rendered', subject: 'Hi', text: 'Hi' },
      headers: [],
      attachments: [],
      metadata: {},
    }
    await check(careless, base)
    await expect(check(careless, { ...base, to: [address] })).rejects.toThrow()
    await expect(
      check(careless, { ...base, headers: [{ name: 'X-A', value: '1\r\nBcc: evil@evil.example' }] }),
    ).rejects.toThrow()
    await expect(check(careless, { ...base, bcc: [{ address: 'evil@evil.example' }] })).rejects.toThrow()
  })
})
