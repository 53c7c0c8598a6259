import { EmailError } from '../email-error.js'

/** Where a `${…}` of a markup literal stands, which decides how its value is escaped. */
export type HoleContext = 'text' | 'attribute' | 'url'

const cache = new WeakMap<TemplateStringsArray, readonly HoleContext[]>()

/**
 * Tells where each hole of a markup literal stands; worked out once per literal.
 *
 * @throws EmailError of kind `template` for a hole where no escaping helps, and for a literal that ends inside a tag.
 */
export function holeContexts(strings: TemplateStringsArray): readonly HoleContext[] {
  const known = cache.get(strings)
  if (known !== undefined) return known
  const scanner = new Scanner()
  const contexts: HoleContext[] = []
  for (const [index, chunk] of strings.entries()) {
    scanner.walk(chunk)
    if (index < strings.length - 1) contexts.push(scanner.hole())
  }
  scanner.end()
  cache.set(strings, contexts)
  return contexts
}

type Place = 'text' | 'tag' | 'comment' | 'raw' | 'quoted' | 'unquoted'

/**
 * How far the address in an attribute is decided: nothing written yet, its scheme still open to what follows, or its
 * scheme settled by a literal. Empty when the attribute holds no address.
 */
type UrlState = '' | 'start' | 'open' | 'settled'

const URL_ATTRIBUTES: ReadonlySet<string> = new Set(['href', 'src', 'action', 'background', 'formaction', 'poster'])

/** Follows an HTML tokenizer as far as telling the places apart needs it. */
class Scanner {
  #place: Place = 'text'
  #url: UrlState = ''
  #quote = '"'
  #tag = ''
  #attribute = ''

  walk(chunk: string): void {
    let rest = chunk
    while (rest !== '') {
      const taken = this.#step(rest)
      rest = rest.slice(taken)
    }
  }

  /** Gives the context of a hole here, and goes on behind it. */
  hole(): HoleContext {
    if (this.#place === 'text') return 'text'
    if (this.#place === 'unquoted') throw mistake('puts a value into an attribute without quotes')
    if (this.#place !== 'quoted')
      throw mistake('puts a value where it cannot be escaped (a tag, comment, script or style)')
    if (this.#url === 'open') throw mistake('joins an address so that its scheme cannot be checked')
    const context = this.#url === 'start' ? 'url' : 'attribute'
    if (context === 'url') this.#url = 'open'
    return context
  }

  end(): void {
    if (this.#place !== 'text') throw mistake('ends inside a tag, a comment, a script or a style')
  }

  /** Reads one token at the start of `rest` and answers its length. */
  #step(rest: string): number {
    switch (this.#place) {
      case 'text':
        return this.#text(rest)
      case 'comment':
        return this.#until(rest, '-->', 'text')
      case 'raw':
        return this.#until(rest, `</${this.#tag}`, 'tag')
      case 'quoted':
        return this.#quoted(rest)
      case 'unquoted': {
        const close = rest.search(/[\s>]/)
        if (close >= 0) this.#place = 'tag'
        return close < 0 ? rest.length : close
      }
      default:
        return this.#inTag(rest)
    }
  }

  #text(rest: string): number {
    const open = /<(?:!--|!|\/?$|\/?([a-z][^\s/>]*))/i.exec(rest)
    if (open === null) return rest.length
    const [token, name] = open
    this.#place = token === '<!--' ? 'comment' : 'tag'
    this.#tag = token.startsWith('</') ? '' : (name ?? '').toLowerCase()
    this.#attribute = ''
    return open.index + token.length
  }

  #until(rest: string, end: string, next: Place): number {
    const close = rest.toLowerCase().indexOf(end)
    if (close < 0) return rest.length
    this.#place = next
    this.#tag = ''
    return close + end.length
  }

  #quoted(rest: string): number {
    const close = rest.indexOf(this.#quote)
    const literal = close < 0 ? rest : rest.slice(0, close)
    if (this.#url !== '' && literal !== '') {
      // A colon written in the literal is the author's own scheme; behind a value it might complete the value's.
      const settled = this.#url === 'settled' || (this.#url === 'start' ? /[:/?#]/ : /[/?#]/).test(literal)
      this.#url = settled ? 'settled' : 'open'
    }
    if (close < 0) return rest.length
    this.#place = 'tag'
    return close + 1
  }

  #inTag(rest: string): number {
    const part = /^(?:(>)|[\s/]+|([^\s/>=]+)|=\s*(["'])?)/.exec(rest)
    const [token = rest, end, attribute, quote] = part ?? []
    if (end !== undefined) this.#place = this.#tag === 'script' || this.#tag === 'style' ? 'raw' : 'text'
    else if (attribute !== undefined) this.#attribute = attribute.toLowerCase()
    else if (quote !== undefined) {
      this.#place = 'quoted'
      this.#quote = quote
      this.#url = URL_ATTRIBUTES.has(this.#attribute) ? 'start' : ''
    } else if (token.startsWith('=')) this.#place = 'unquoted'
    return token.length
  }
}

function mistake(problem: string): EmailError {
  return new EmailError('template', `A template is written wrongly: its markup ${problem}.`)
}
