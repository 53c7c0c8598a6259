import { EmailError } from '../email-error.js'
import type { Mailer } from '../mailer.js'
import type { EmailTemplate } from '../templates/template.js'
import {
  inScheme,
  messagePage,
  messagesPage,
  readableJson,
  readView,
  templatePage,
  templatesPage,
  textOf,
} from './mailbox-pages.js'
import { fileResponse, messageResponse, pageResponse, refusal, textResponse } from './mailbox-response.js'
import type { MailboxSource, StoredEmail } from './stored-email.js'

/** Options of {@link createMailbox}. */
export interface CreateMailboxOptions {
  /** Where the messages are: the `mailbox` of an outbox or memory transport. */
  readonly source: MailboxSource
  /** Renders the previews. Default: no previews. */
  readonly mailer?: Pick<Mailer, 'preview'>
  /** Templates to preview with their examples. */
  readonly templates?: readonly EmailTemplate<unknown>[]
  /** Where it answers. Default `/__plinth/mailbox`. */
  readonly path?: string
  /** The host names it answers to, beside those of this machine. */
  readonly hosts?: readonly string[]
  /** Whether this is production, where it refuses to be. Default: `NODE_ENV` is `production`. */
  readonly production?: boolean
}

/** Answers requests under the mailbox's path, and `undefined` for all others. */
export type Mailbox = (request: Request) => Promise<Response | undefined>

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const SHOWN = 200

/**
 * Gives a page on which a developer reads the mail that was not sent: for development only.
 *
 * It shows reset links to whoever can open it, so it refuses production, and answers only to host names of this machine
 * (which also keeps other sites' pages out). A message is shown in a sandboxed frame in which no script runs.
 *
 * @throws EmailError of kind `config` in production.
 */
export function createMailbox(options: CreateMailboxOptions): Mailbox {
  if (options.production ?? process.env.NODE_ENV === 'production') {
    throw new EmailError('config', 'The mailbox page shows everybody’s mail and refuses to run in production.')
  }
  const pages = new MailboxPages(options)
  return (request) => pages.answer(request)
}

class MailboxPages {
  readonly #source: MailboxSource
  readonly #mailer: Pick<Mailer, 'preview'> | undefined
  readonly #templates: readonly EmailTemplate<unknown>[]
  readonly #base: string
  readonly #hosts: ReadonlySet<string>

  constructor({ source, mailer, templates = [], path = '/__plinth/mailbox', hosts = [] }: CreateMailboxOptions) {
    this.#source = source
    this.#mailer = mailer
    this.#templates = mailer === undefined ? [] : templates
    this.#base = path.replace(/\/+$/, '')
    this.#hosts = new Set([...LOOPBACK, ...hosts.map((host) => host.toLowerCase())])
  }

  async answer(request: Request): Promise<Response | undefined> {
    const url = new URL(request.url)
    if (url.pathname !== this.#base && !url.pathname.startsWith(`${this.#base}/`)) return undefined
    if (!this.#hosts.has(url.hostname)) return refusal(403, `The mailbox does not answer to the host ${url.hostname}.`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'The mailbox is for reading.')
    const parts = url.pathname.slice(this.#base.length + 1).split('/')
    const answer = await this.#page(parts, url)
    return answer ?? refusal(404, 'There is no such message or template.')
  }

  async #page(parts: readonly string[], url: URL): Promise<Response | undefined> {
    const [section = '', name = '', part, index] = parts
    if (section === '') {
      return pageResponse(this.#base, 'Messages', messagesPage(this.#base, await this.#source.list(SHOWN)), true)
    }
    if (section === 'templates' && name === '') {
      return pageResponse(this.#base, 'Templates', templatesPage(this.#base, this.#templates))
    }
    if (section === 'templates') return this.#template(name, part, url)
    if (section !== 'messages') return undefined
    const stored = await this.#source.read(name.replace(/\.json$/, ''))
    if (stored === undefined) return undefined
    if (name.endsWith('.json')) return textResponse(readableJson(stored), 'application/json')
    return this.#message(stored, part, index, url)
  }

  #message(stored: StoredEmail, part: string | undefined, index: string | undefined, url: URL): Response | undefined {
    const { id, message } = stored
    const path = `${this.#base}/messages/${id}`
    if (part === undefined) {
      return pageResponse(this.#base, 'Message', messagePage(path, stored, readView(url.searchParams)))
    }
    if (part === 'html') {
      return messageResponse(inScheme(showPictures(path, stored), readView(url.searchParams).scheme))
    }
    if (part === 'text') return textResponse(textOf(message.content), 'text/plain')
    const file = part === 'attachments' ? message.attachments[Number(index)] : undefined
    return file === undefined ? undefined : fileResponse(file.content, file.filename, file.contentType)
  }

  async #template(name: string, part: string | undefined, url: URL): Promise<Response | undefined> {
    const template = this.#templates.find((one) => one.name === name)
    const content = template === undefined ? undefined : await this.#mailer?.preview(template)
    if (template === undefined || content === undefined) return undefined
    const markup = content.kind === 'rendered' ? (content.html ?? '') : ''
    if (part === 'html') return messageResponse(inScheme(markup, readView(url.searchParams).scheme))
    const path = `${this.#base}/templates/${name}`
    const page = templatePage(path, template, content, readView(url.searchParams))
    return pageResponse(this.#base, template.name, page)
  }
}

/** The HTML with its `cid:` pictures taken from the attachments. */
function showPictures(path: string, { message }: StoredEmail): string {
  const { content, attachments } = message
  if (content.kind !== 'rendered') return ''
  const indexes = new Map(attachments.map(({ contentId }, index) => [contentId, index]))
  return (content.html ?? '').replace(/cid:([a-z0-9][a-z0-9._@-]{0,126})/gi, (whole, id: string) => {
    const index = indexes.get(id)
    return index === undefined ? whole : `${path}/attachments/${index}`
  })
}
