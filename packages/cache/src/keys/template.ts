import { CacheKeyError } from '../cache-errors.js'
import { canonicalText } from './canonical-key.js'
import { encodeParam, type KeyParam } from './encode-param.js'

/** The names of the placeholders in a template: `'user:{userId}:page:{page}'` has `'userId' | 'page'`. */
export type Placeholders<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** Arguments as they arrive: more than the template needs, of any type. */
export type Args = Readonly<Record<string, unknown>>

/** A template that was parsed once and is rendered often. */
export interface KeyTemplate {
  /** The text it was parsed from: safe for logs and metrics, unlike a rendered key. */
  readonly text: string
  readonly placeholders: readonly string[]
  /** Gives the canonical text for these arguments. @throws CacheKeyError when one is missing or cannot be encoded. */
  render(args: Args): string
}

const WILDCARDS = /(\*+|\?|\[[!^]?[\w.-]+\])/
const PLACEHOLDER = /\{([A-Za-z_$][\w$]*)\}/

/**
 * Parses a template such as `'user:{userId}:page:{page}'`.
 *
 * `kind: 'pattern'` keeps the wildcards of the template's own text. Text outside the braces is the developer's: colons separate segments. What fills a placeholder is encoded injectively.
 *
 * @throws CacheKeyError when it is empty, braces do not enclose a name, or nothing separates two placeholders.
 */
export function parseTemplate(text: string, kind: 'key' | 'pattern' = 'key'): KeyTemplate {
  if (typeof text !== 'string' || text === '') throw new CacheKeyError('A template must be a text that is not empty.')
  const parts = text.split(PLACEHOLDER)
  const literals = parts.filter((_, index) => index % 2 === 0)
  const placeholders = parts.filter((_, index) => index % 2 === 1)
  if (literals.some((literal) => /[{}]/.test(literal))) {
    throw new CacheKeyError(`Template '${text}' has a brace that does not enclose a name, such as {userId}.`)
  }
  if (kind === 'key' && literals.slice(1, -1).some((literal) => !/[:/+]/.test(literal))) {
    throw new CacheKeyError(
      `Template '${text}' has two placeholders that nothing keeps apart. Put a colon between them: different arguments must give different keys.`,
    )
  }
  const fixed = literals.map((literal) => (kind === 'pattern' ? canonicalPattern(literal) : canonicalLiteral(literal)))
  return { text, placeholders, render: (args) => renderParts(text, fixed, placeholders, args) }
}

function canonicalLiteral(literal: string): string {
  return literal === '' ? '' : canonicalText(literal, 'template')
}

/** Leaves the developer's wildcards as they are. */
function canonicalPattern(literal: string): string {
  return literal
    .split(WILDCARDS)
    .map((part, index) => (index % 2 === 1 ? part : canonicalLiteral(part)))
    .join('')
}

function renderParts(text: string, literals: readonly string[], names: readonly string[], args: Args): string {
  let key = literals[0] ?? ''
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string
    const value = args[name]
    key +=
      typeof value === 'number' && Number.isSafeInteger(value) && value !== 0 ? value : encodeNamed(value, name, text)
    key += literals[index + 1]
  }
  return key
}

function encodeNamed(value: unknown, name: string, text: string): string {
  return encodeParam(value as KeyParam | undefined, `Parameter {${name}} of '${text}'`)
}
