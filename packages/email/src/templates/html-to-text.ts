import { decodeEntities } from './html-entities.js'

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
])
const LINE: ReadonlySet<string> = new Set(['br', 'div', 'tr', 'li', 'table', 'section', 'header', 'footer', 'article'])
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'meta', 'link', 'input', 'wbr', 'col', 'base', 'area'])

const TOKEN = /<!--[\s\S]*?(?:-->|$)|<![^>]*>|<(\/?)([a-z][a-z0-9-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>|[^<]+|</gi

/**
 * Gives the text part for an HTML part: paragraphs and list items on lines of their own, links followed by their
 * address, images as their `alt`, and nothing that is hidden (`display:none`) or not for reading (styles, scripts).
 *
 * Takes time linear in the length of the markup, whatever it is.
 */
export function htmlToText(markup: string): string {
  const writer = new TextWriter()
  for (const [token, slash, tag, attributes] of markup.matchAll(TOKEN)) {
    if (tag !== undefined) writer.tag(tag.toLowerCase(), slash === '/', attributes ?? '')
    else if (!token.startsWith('<') || token === '<') writer.text(token)
  }
  return writer.finish()
}

class TextWriter {
  #out = ''
  /** How many line ends stand between what is written and what comes next. */
  #breaks = 0
  #space = false
  /** The open element that hides what is in it, and how deep elements of its name are nested. */
  #hiding: { readonly tag: string; depth: number } | undefined
  #links: { readonly href: string; readonly from: number }[] = []

  text(raw: string): void {
    if (this.#hiding !== undefined) return
    const words = decodeEntities(raw).replace(/\u00ad|\u034f|\u200b|\u2060|\ufeff/g, '')
    for (const part of words.split(/([ \t\r\n\f\u00a0]+)/)) {
      if (part === '') continue
      if (/^[ \t\r\n\f\u00a0]/.test(part)) this.#space = true
      else this.#write(part)
    }
  }

  tag(tag: string, closes: boolean, attributes: string): void {
    if (this.#hiding !== undefined) {
      this.#hidden(tag, closes, attributes)
      return
    }
    if (!closes && !VOID.has(tag) && (DROPPED.has(tag) || isHidden(attributes))) {
      if (!attributes.endsWith('/')) this.#hiding = { tag, depth: 1 }
      return
    }
    if (PARAGRAPH.has(tag)) this.#breaks = Math.max(this.#breaks, 2)
    else if (LINE.has(tag)) this.#breaks = Math.max(this.#breaks, tag === 'br' ? Math.min(this.#breaks + 1, 2) : 1)
    else if (tag === 'td' || tag === 'th') this.#space = true
    if (tag === 'li' && !closes) this.#write('- ', false)
    if (tag === 'hr') this.#write('---')
    if (tag === 'img') this.text(attribute(attributes, 'alt') ?? '')
    if (tag === 'a') this.#anchor(closes, attributes)
  }

  finish(): string {
    return this.#out.trim()
  }

  #hidden(tag: string, closes: boolean, attributes: string): void {
    const hiding = this.#hiding
    if (hiding === undefined || tag !== hiding.tag || attributes.endsWith('/')) return
    hiding.depth += closes ? -1 : 1
    if (hiding.depth === 0) this.#hiding = undefined
  }

  #anchor(closes: boolean, attributes: string): void {
    if (!closes) {
      this.#links.push({ href: decodeEntities(attribute(attributes, 'href') ?? ''), from: this.#out.length })
      return
    }
    const link = this.#links.pop()
    if (link === undefined || !/^(?:https?|mailto|tel):/i.test(link.href)) return
    const address = link.href.replace(/^(?:mailto|tel):/i, '')
    const shown = this.#out.slice(link.from).trim()
    if (shown === '') this.#write(address)
    else if (shown !== address && shown !== link.href) this.#write(` (${address})`)
  }

  #write(text: string, spaced = true): void {
    if (this.#out !== '') {
      if (this.#breaks > 0) this.#out += '\n'.repeat(this.#breaks)
      else if (spaced && this.#space && !/\s$/.test(this.#out.slice(-1))) this.#out += ' '
    }
    this.#breaks = 0
    this.#space = false
    this.#out += text
  }
}

function isHidden(attributes: string): boolean {
  return /display\s*:\s*none|mso-hide\s*:\s*all/i.test(attributes) || /\bhidden\b(?!\s*:)/i.test(unquoted(attributes))
}

function unquoted(attributes: string): string {
  return attributes.replace(/"[^"]*"|'[^']*'/g, '')
}

function attribute(attributes: string, name: string): string | undefined {
  for (const [, key, double, single, bare] of attributes.matchAll(
    /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g,
  )) {
    if (key?.toLowerCase() === name) return double ?? single ?? bare ?? ''
  }
  return undefined
}
