import type { Certain, Field, FieldOptions } from '../field.js'
import { text } from './text.js'

/** A host name or an IP address, without brackets and without a port. */
export function host(env: string, options: FieldOptions & Certain<string>): Field<string>
export function host(env: string, options: FieldOptions): Field<string | undefined>
export function host(env: string, options: FieldOptions & { readonly default?: string }): Field<string | undefined> {
  return {
    ...text(env, {
      ...options,
      pattern: /^(?:[\w.-]+|[\da-f]*:[\da-f]*:[\da-f:.]*)$/i,
      problem: 'must be a host name or an IP address',
    }),
    type: 'host',
  }
}
