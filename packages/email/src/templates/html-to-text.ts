import { decodeEntities } from './html-entities.js'
import { htmlTokens } from './html-tokens.js'

const DROPPED: ReadonlySet<string> = new Set(['head', 'script', 'style', 'title', 'template', 'svg'])
const PARAGRAPH: ReadonlySet<string> = new Set([
  'p',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'ul',
  'ol',
  'blockquote',
  'pre',
  'hr',
  'table',
])
const LINE: ReadonlySet<string> = new Set(['div', 'tr', 'li', 'section', 'header', 'footer', 'article'])
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'meta', 'link', 'input', 'wbr', 'col', 'base', 'area'])

/**
 * Gives the text part for an HTML part: paragraphs and list items on lines of their own, links followed by their
 * address, images as their `alt`, and nothing that is hidden (`display:none`) or not for reading (styles, scripts).
 *
 * Takes time linear in the length of the markup, whatever it is.
 */
export function htmlToText(markup: string): string {
  const writer = new TextWriter()
  for (const token of htmlTokens(markup)) {
    if (token.kind === 'text') writer.text(token.text)
    else writer.tag(token.name, token.closes, token.attributes)
  }
  return writer.finish()
}

class TextWriter {
  readonly #pieces: string[] = []
  /** How many line ends stand between what is written and what comes next. */
  #breaks = 0
  #space = false
  /** The open element that hides what is in it, and how deep elements of its name are nested. */
  #hiding: { readonly tag: string; depth: number } | undefined
  /** The open link, and what was written of it. */
  #link: { readonly href: string; shown: string } | undefined

  text(raw: string): void {
    if (this.#hiding !== undefined) return
    const words = decodeEntities(raw).replace(/\u00ad|\u034f|\u200b|\u2060|\ufeff/g, '')
    for (const part of words.split(/([ \t\r\n\f\u00a0]+)/)) {
      if (part === '') continue
      if (/^[ \t\r\n\f\u00a0]/.test(part)) this.#space = true
      else this.#write(part)
    }
  }

  tag(name: string, closes: boolean, attributes: string): void {
    if (this.#hiding !== undefined) {
      this.#hidden(this.#hiding, name, closes, attributes)
      return
    }
    if (!closes && !VOID.has(name) && (DROPPED.has(name) || isHidden(attributes))) {
      if (!attributes.endsWith('/')) this.#hiding = { tag: name, depth: 1 }
      return
    }
    if (PARAGRAPH.has(name)) this.#breaks = Math.max(this.#breaks, 2)
    else if (LINE.has(name)) this.#breaks = Math.max(this.#breaks, 1)
    else if (name === 'br') this.#breaks = Math.min(this.#breaks + 1, 2)
    else if (name === 'td' || name === 'th') this.#space = true
    if (name === 'li' && !closes) this.#write('- ')
    if (name === 'hr') this.#rule()
    if (name === 'img') this.text(attributeOf(attributes, 'alt') ?? '')
    if (name === 'a') this.#anchor(closes, attributes)
  }

  finish(): string {
    return this.#pieces.join('').trim()
  }

  #hidden(hiding: { readonly tag: string; depth: number }, name: string, closes: boolean, attributes: string): void {
    if (name !== hiding.tag || attributes.endsWith('/')) return
    hiding.depth += closes ? -1 : 1
    if (hiding.depth === 0) this.#hiding = undefined
  }

  #rule(): void {
    this.#write('---')
    this.#breaks = 2
  }

  #anchor(closes: boolean, attributes: string): void {
    const link = this.#link
    this.#link = closes ? undefined : { href: decodeEntities(attributeOf(attributes, 'href') ?? ''), shown: '' }
    if (!closes || link === undefined || !/^(?:https?|mailto|tel):/i.test(link.href)) return
    const address = link.href.replace(/^(?:mailto|tel):/i, '')
    const shown = link.shown.trim()
    if (shown === '') this.#write(address)
    else if (shown !== address && shown !== link.href) this.#write(` (${address})`)
  }

  #write(text: string): void {
    const last = this.#pieces.at(-1)
    let before = ''
    if (last !== undefined) {
      if (this.#breaks > 0) before = '\n'.repeat(this.#breaks)
      else if (this.#space && !last.endsWith(' ')) before = ' '
    }
    this.#breaks = 0
    this.#space = false
    this.#pieces.push(before + text)
    if (this.#link !== undefined) this.#link.shown += before + text
  }
}

function isHidden(attributes: string): boolean {
  return /display\s*:\s*none|mso-hide\s*:\s*all/i.test(attributes) || /\bhidden\b/i.test(withoutValues(attributes))
}

function withoutValues(attributes: string): string {
  return attributes.replace(/"[^"]*"|'[^']*'/g, '')
}

const ATTRIBUTE = /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g

function attributeOf(attributes: string, name: string): string | undefined {
  for (const [, key, double, single, bare] of attributes.matchAll(ATTRIBUTE)) {
    if (key?.toLowerCase() === name) return double ?? single ?? bare ?? ''
  }
  return undefined
}
