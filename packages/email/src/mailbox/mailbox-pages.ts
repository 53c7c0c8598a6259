import { formatAddress } from '../message/address.js'
import { headersOf, type Message, type MessageContent, recipientsOf, subjectOf } from '../message/message.js'
import { messageToJson } from '../message/message-json.js'
import { type Html, html } from '../templates/html.js'
import type { EmailTemplate } from '../templates/template.js'
import type { StoredEmail } from './stored-email.js'

/** How a message is looked at. */
export interface MailboxView {
  /** Which part is shown. */
  readonly part: 'html' | 'text' | 'headers' | 'json'
  readonly scheme: 'light' | 'dark'
  readonly width: 'wide' | 'phone'
}

/** Reads a view from an address; what is missing or wrong is the default. */
export function readView(search: URLSearchParams): MailboxView {
  const part = search.get('part')
  return {
    part: part === 'text' || part === 'headers' || part === 'json' ? part : 'html',
    scheme: search.get('scheme') === 'dark' ? 'dark' : 'light',
    width: search.get('width') === 'phone' ? 'phone' : 'wide',
  }
}

/**
 * Gives markup that takes `scheme` for the reader's, whatever the browser says: a media feature that always or never
 * matches stands in its style sheets instead of the question.
 */
export function inScheme(markup: string, scheme: MailboxView['scheme']): string {
  return markup.replace(/\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi, (_, asked: string) =>
    asked.toLowerCase() === scheme ? '(min-width: 0px)' : '(max-width: 0px)',
  )
}

/** The list of messages, newest first. */
export function messagesPage(base: string, emails: readonly StoredEmail[]): Html {
  if (emails.length === 0) return html`<h1>Messages</h1><div class="rows empty">No mail yet. Send some.</div>`
  return html`<h1>Messages</h1><ul class="rows">${emails.map(
    ({ id, at, message }) => html`<li><a href="${base}/messages/${id}"><b>${subjectOf(message)}</b>
<time class="dim">${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}</time>
<span class="dim">${recipientsOf(message).map(formatAddress).join(', ')}</span>
<span class="dim">${message.template ?? ''}</span></a></li>`,
  )}</ul>`
}

/** One message, in one of its views. */
export function messagePage(path: string, { message }: StoredEmail, view: MailboxView): Html {
  return html`<h1>${subjectOf(message)}</h1>
<dl>${facts(message).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${viewLinks(path, view)}
${partOf(path, message, view)}
${
  message.attachments.length > 0 &&
  html`<h2>Attachments</h2><ul>${message.attachments.map(
    ({ filename, content }, index) =>
      html`<li><a href="${path}/attachments/${index}">${filename}</a> <span class="dim">${content.byteLength} bytes</span></li>`,
  )}</ul>`
}`
}

/** The list of templates. */
export function templatesPage(base: string, templates: readonly EmailTemplate<unknown>[]): Html {
  if (templates.length === 0) {
    return html`<h1>Templates</h1><div class="rows empty">No templates. Give createMailbox a list of them.</div>`
  }
  return html`<h1>Templates</h1><ul class="rows">${templates.map(
    ({ name }) => html`<li><a href="${base}/templates/${name}"><b>${name}</b></a></li>`,
  )}</ul>`
}

/** One template, rendered with its example. */
export function templatePage(
  path: string,
  template: EmailTemplate<unknown>,
  content: MessageContent,
  view: MailboxView,
): Html {
  const subject = content.kind === 'rendered' ? content.subject : `template ${content.alias}`
  return html`<h1>${subject}</h1>
<p class="dim">Template ${template.name}, with its example.</p>
${viewLinks(path, view)}
${view.part === 'text' ? html`<pre>${textOf(content)}</pre>` : view.part === 'json' || view.part === 'headers' ? html`<pre>${JSON.stringify(template.example, null, 2)}</pre>` : frame(path, view)}`
}

/** The text part, or what a provider would fill in. */
export function textOf(content: MessageContent): string {
  return content.kind === 'rendered' ? content.text : JSON.stringify(content.model, null, 2)
}

/** A message as JSON for reading: attachments without their bytes. */
export function readableJson({ id, at, message }: StoredEmail): string {
  const json = messageToJson(message)
  const attachments = json.attachments.map(({ base64: _, ...rest }) => rest)
  return JSON.stringify({ id, at: new Date(at).toISOString(), message: { ...json, attachments } }, null, 2)
}

function facts(message: Message): readonly (readonly [string, string])[] {
  const lists = [
    ['From', [message.from]],
    ['To', message.to],
    ['Cc', message.cc],
    ['Bcc', message.bcc],
    ['Reply to', message.replyTo],
  ] as const
  return lists.flatMap(([name, list]) =>
    list.length === 0 ? [] : [[name, list.map(formatAddress).join(', ')] as const],
  )
}

function viewLinks(path: string, view: MailboxView): Html {
  const link = (label: string, change: Partial<MailboxView>): Html => {
    const to = { ...view, ...change }
    const current = Object.entries(change).every(([key, value]) => view[key as keyof MailboxView] === value)
    const query = new URLSearchParams(Object.entries(to)).toString()
    return current
      ? html`<a href="${path}?${query}" aria-current="true">${label}</a>`
      : html`<a href="${path}?${query}">${label}</a>`
  }
  return html`<nav class="views" aria-label="View">
${link('HTML', { part: 'html' })}${link('Text', { part: 'text' })}${link('Headers', { part: 'headers' })}${link('JSON', { part: 'json' })}
${link('Light', { scheme: 'light' })}${link('Dark', { scheme: 'dark' })}${link('Wide', { width: 'wide' })}${link('Phone', { width: 'phone' })}
</nav>`
}

function partOf(path: string, message: Message, view: MailboxView): Html {
  const { content } = message
  if (view.part === 'headers') return html`<pre>${describeHeaders(message)}</pre>`
  if (view.part === 'json') return html`<p><a href="${path}.json">The message as JSON</a></p>`
  if (view.part === 'text' || content.kind === 'provider' || content.html === undefined) {
    return html`<pre>${textOf(content)}</pre>`
  }
  return frame(path, view)
}

function frame(path: string, { scheme, width }: MailboxView): Html {
  return html`<iframe class="${scheme} ${width}" title="The message" src="${path}/html?scheme=${scheme}" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>`
}

function describeHeaders(message: Message): string {
  const { tag, stream, metadata, trackOpens, trackLinks } = message
  const extra = Object.entries({ tag, stream, trackOpens, trackLinks }).filter(([, value]) => value !== undefined)
  return [
    ...headersOf(message).map(({ name, value }) => `${name}: ${value}`),
    ...extra.map(([name, value]) => `(${name}) ${String(value)}`),
    ...Object.entries(metadata).map(([name, value]) => `(metadata) ${name}: ${value}`),
  ].join('\n')
}
