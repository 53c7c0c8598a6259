import { EmailError } from '../email-error.js'
import { type HoleContext, holeContexts } from './html-holes.js'

/** Markup that is safe to put into markup: only {@link html} and {@link unsafeHtml} make it. */
export class Html {
  readonly #markup: string

  /** @internal Use {@link html} or {@link unsafeHtml}. */
  constructor(markup: string) {
    this.#markup = markup
  }

  /** Gives the markup. */
  toString(): string {
    return this.#markup
  }
}

/** What may stand in a `${…}` of {@link html}: absent values and `false` show nothing, so `${on && html`…`}` works. */
export type HtmlValue = Html | string | number | bigint | boolean | null | undefined | readonly HtmlValue[]

/**
 * Gives markup in which every value is escaped for the place where it stands.
 *
 * In text and in quoted attributes `& < > " '` are escaped; in `href` and `src` a value must also be an http, https,
 * mailto, tel or cid address, so that `javascript:` never arrives. A value in a place where escaping cannot help (an
 * unquoted attribute, a tag's name, a script, a style or a comment) is refused, as is markup that ends inside a tag:
 * both are mistakes of the template, found at its first use.
 *
 * @throws EmailError of kind `template`.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const contexts = holeContexts(strings)
  let markup = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    markup += fill(value, contexts[index] ?? 'text') + (strings[index + 1] ?? '')
  }
  return new Html(markup)
}

/** Takes text for markup as it stands. Only for markup that you wrote or that a template engine rendered. */
export function unsafeHtml(markup: string): Html {
  return new Html(markup)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
// Control characters beside tab and line ends are not allowed in HTML and can cut a message short: they are dropped.
const SPECIAL = /[&<>"']|(?![\t\n\r])\p{Cc}/gu

/** Escapes text for HTML text and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(SPECIAL, (character) => ESCAPES[character] ?? '')
}

function fill(value: HtmlValue, context: HoleContext): string {
  if (value === null || value === undefined || typeof value === 'boolean') return ''
  if (context === 'text') {
    if (value instanceof Html) return value.toString()
    if (Array.isArray(value)) return value.map((part: HtmlValue) => fill(part, context)).join('')
    return escapeHtml(primitive(value))
  }
  const text = primitive(value)
  return escapeHtml(context === 'url' ? safeUrl(text) : text)
}

function primitive(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw new EmailError('template', 'A template puts an object where only text or a number can stand.')
}

const SAFE_SCHEME = /^(?:https?|mailto|tel|cid):/i
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/i

function safeUrl(url: string): string {
  // Browsers leave white space and control characters out before they look for the scheme.
  if (SAFE_SCHEME.test(url) || !ANY_SCHEME.test(url.replace(/[\s\p{Cc}]/gu, ''))) return url
  throw new EmailError('template', 'A template links to an address that is not http, https, mailto, tel or cid.')
}
