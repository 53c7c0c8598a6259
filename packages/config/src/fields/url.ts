import { type Certain, type Field, type FieldOptions, field, type Parsed } from '../field.js'
import { Secret } from '../secret.js'

/** Options of {@link url}. */
export interface UrlOptions extends FieldOptions {
  /** The schemes that are accepted, such as `['amqp', 'amqps']`. */
  readonly schemes: readonly string[]
}

/**
 * An address with its scheme and perhaps a password, so it is handed out as a {@link Secret}; explanations show it
 * by its scheme and host alone.
 */
export function url(env: string, options: UrlOptions & Certain<string>): Field<Secret>
export function url(env: string, options: UrlOptions): Field<Secret | undefined>
export function url(
  env: string,
  { default: preset, schemes, ...options }: UrlOptions & { readonly default?: string },
): Field<Secret | undefined> {
  const wanted = schemes.map((scheme) => `${scheme}://`).join(' or ')
  const parse = (text: string, variable: string): Parsed<Secret> => {
    const value = text.trim()
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    if (parsed === undefined || parsed.hostname === '') {
      return {
        ok: false,
        problem: `must be a URL that begins with ${wanted}`,
        remedy:
          'Percent-encode special characters of the user name and password: # is %23, / is %2F, ? is %3F, @ is %40.',
      }
    }
    if (!schemes.includes(parsed.protocol.slice(0, -1))) {
      return {
        ok: false,
        problem: `must begin with ${wanted}`,
        remedy: `Set it like ${variable}=${options.example ?? wanted}.`,
      }
    }
    return { ok: true, value: new Secret(value), shown: `${parsed.protocol}//${parsed.host}` }
  }
  const fallback = preset === undefined ? undefined : { value: new Secret(preset), shown: preset }
  return field<Secret>(env, options, { type: `URL (${wanted})`, parse, fallback, secret: true })
}
