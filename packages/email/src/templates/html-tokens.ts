/** One piece of markup: text between tags, or a tag with its attributes as written. */
export type HtmlToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tag'; readonly name: string; readonly closes: boolean; readonly attributes: string }

const TAG_NAME = /\/?[a-z][^\s/>]*/iy

/**
 * Gives the text and tags of markup, in order; comments and declarations are left out.
 *
 * Reads every character once, whatever the markup is: a tag or comment that never ends takes the rest with it, as in a
 * browser.
 */
export function* htmlTokens(markup: string): Generator<HtmlToken> {
  let at = 0
  while (at < markup.length) {
    const open = markup.indexOf('<', at)
    const end = open < 0 ? markup.length : open
    if (end > at) yield { kind: 'text', text: markup.slice(at, end) }
    if (open < 0) return
    if (markup.startsWith('<!--', open)) at = after(markup.indexOf('-->', open + 4), 3, markup.length)
    else if (markup[open + 1] === '!' || markup[open + 1] === '?')
      at = after(markup.indexOf('>', open), 1, markup.length)
    else {
      TAG_NAME.lastIndex = open + 1
      const name = TAG_NAME.exec(markup)?.[0]
      if (name === undefined) {
        yield { kind: 'text', text: '<' }
        at = open + 1
        continue
      }
      const start = open + 1 + name.length
      const close = endOfTag(markup, start)
      if (close < 0) return
      const closes = name.startsWith('/')
      const plain = (closes ? name.slice(1) : name).toLowerCase()
      yield { kind: 'tag', name: plain, closes, attributes: markup.slice(start, close) }
      at = close + 1
    }
  }
}

/** The place of the `>` that ends a tag, past any that stand in quotes; -1 when there is none. */
function endOfTag(markup: string, from: number): number {
  for (let at = from; at < markup.length; at++) {
    const character = markup[at]
    if (character === '>') return at
    if (character === '"' || character === "'") {
      const quote = markup.indexOf(character, at + 1)
      if (quote < 0) return -1
      at = quote
    }
  }
  return -1
}

function after(found: number, length: number, otherwise: number): number {
  return found < 0 ? otherwise : found + length
}
