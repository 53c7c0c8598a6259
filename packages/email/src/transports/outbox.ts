import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { acceptedDelivery } from '../accepted-delivery.js'
import { EmailError } from '../email-error.js'
import type { MailboxSource, StoredEmail } from '../mailbox/stored-email.js'
import { formatAddress } from '../message/address.js'
import { headersOf, type Message, subjectOf } from '../message/message.js'
import { type MessageJson, messageFromJson, messageToJson } from '../message/message-json.js'
import type { Delivery, EmailTransport } from '../transport.js'

/** Options of {@link outboxTransport}. */
export interface OutboxTransportOptions {
  /** The folder, made when it is missing. Default `.outbox` in the working directory. */
  readonly dir?: string
  /** How many messages it keeps; the oldest go first. Default 500. */
  readonly limit?: number
}

/**
 * A transport that writes each message into files you can open, instead of sending it: `.html`, `.txt` and `.json`.
 *
 * The files hold reset links and addresses: only their owner can read them (0600 in a 0700 folder), and a `.gitignore`
 * keeps them out of version control. Their names hold the time and the template, never what a user wrote.
 */
export function outboxTransport(options: OutboxTransportOptions = {}): OutboxTransport {
  return new OutboxTransport(options)
}

/** `20260901T101502123Z-0001-1a2b3c4d-welcome`: in the order of the alphabet they are in the order of time. */
const ID = /^\d{8}T\d{9}Z-\d{4}-[0-9a-f]{8}-[a-z0-9._-]{1,64}$/
const FILE = /^(\d{8}T\d{9}Z-\d{4}-[0-9a-f]{8}-[a-z0-9._-]{1,64})\.json$/

/** The transport that {@link outboxTransport} gives. */
export class OutboxTransport implements EmailTransport {
  readonly name = 'outbox'
  readonly delivers = false
  /** For the mailbox page. */
  readonly mailbox: MailboxSource = {
    list: (limit) => this.#list(limit),
    read: (id) => this.#read(id),
  }
  readonly #dir: string
  readonly #limit: number
  #ready: Promise<void> | undefined
  #count = 0
  #sweeping: Promise<void> = Promise.resolve()

  /** @internal Use {@link outboxTransport}. */
  constructor(options: OutboxTransportOptions) {
    const dir = options.dir ?? '.outbox'
    this.#dir = isAbsolute(dir) ? dir : resolve(dir)
    this.#limit = options.limit ?? 500
  }

  /** The folder. */
  get target(): string {
    return this.#dir
  }

  async send(message: Message): Promise<Delivery> {
    const id = this.#nextId(message)
    const { content } = message
    try {
      await this.#prepare()
      if (content.kind === 'rendered' && content.html !== undefined) await this.#write(`${id}.html`, content.html)
      await this.#write(`${id}.txt`, describeMessage(message))
      // The JSON is last: the mailbox page lists a message only once all of it is there.
      await this.#write(`${id}.json`, JSON.stringify({ id, at: Date.now(), message: messageToJson(message) }, null, 2))
      if (this.#count % Math.max(1, Math.ceil(this.#limit / 10)) === 0) await this.#sweep()
    } catch (error) {
      throw new EmailError(
        'unavailable',
        `The outbox cannot write to ${this.#dir}. Check that the folder is writable.`,
        {
          cause: error,
        },
      )
    }
    return acceptedDelivery(id, message)
  }

  async close(): Promise<void> {
    await this.#sweeping
  }

  #nextId(message: Message): string {
    const time = new Date().toISOString().replace(/[-:.]/g, '')
    const count = String(this.#count++ % 10_000).padStart(4, '0')
    return `${time}-${count}-${randomUUID().slice(0, 8)}-${fileNameOf(message.template ?? 'written')}`
  }

  #prepare(): Promise<void> {
    this.#ready ??= this.#makeFolder().catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    await this.#write('.gitignore', '*\n').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
    await this.#sweep()
  }

  /** Makes a new file; never follows a link and never writes over anything (`wx`). */
  async #write(name: string, text: string): Promise<void> {
    const file = await open(join(this.#dir, name), 'wx', 0o600)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
  }

  #sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(async () => {
      const ids = await this.#ids()
      for (const id of ids.slice(0, Math.max(0, ids.length - this.#limit))) {
        for (const type of ['html', 'txt', 'json']) await rm(join(this.#dir, `${id}.${type}`), { force: true })
      }
    })
    return this.#sweeping
  }

  /** The ids of the messages in the folder, oldest first; files that are not ours are left alone. */
  async #ids(): Promise<string[]> {
    const names = await readdir(this.#dir)
    return names.flatMap((name) => FILE.exec(name)?.[1] ?? []).sort()
  }

  async #list(limit: number): Promise<readonly StoredEmail[]> {
    await this.#prepare()
    const ids = (await this.#ids()).slice(-limit).toReversed()
    const emails = await Promise.all(ids.map((id) => this.#read(id)))
    return emails.filter((email) => email !== undefined)
  }

  async #read(id: string): Promise<StoredEmail | undefined> {
    if (!ID.test(id)) return undefined
    try {
      const file = await open(join(this.#dir, `${id}.json`), constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        const stored = JSON.parse(await file.readFile('utf8')) as { readonly at: number; readonly message: MessageJson }
        return { id, at: stored.at, message: messageFromJson(stored.message) }
      } finally {
        await file.close()
      }
    } catch {
      return undefined // swept away, half written, or not ours
    }
  }
}

/** A name that `defineTemplate` checked stays as it is; one from elsewhere must not lead out of the folder. */
function fileNameOf(template: string): string {
  return template.replace(/[^a-z0-9._-]/g, '_').slice(0, 64) || 'unnamed'
}

function describeMessage(message: Message): string {
  const lists = [
    ['To', message.to],
    ['Cc', message.cc],
    ['Bcc', message.bcc],
    ['Reply-To', message.replyTo],
  ] as const
  const lines = lists.flatMap(([name, list]) =>
    list.length === 0 ? [] : [`${name}: ${list.map(formatAddress).join(', ')}`],
  )
  const headers = headersOf(message).map(({ name, value }) => `${name}: ${value}`)
  const { content } = message
  const body = content.kind === 'rendered' ? content.text : JSON.stringify(content.model, null, 2)
  return [
    `From: ${formatAddress(message.from)}`,
    ...lines,
    `Subject: ${subjectOf(message)}`,
    ...headers,
    '',
    body,
    '',
  ].join('\n')
}
