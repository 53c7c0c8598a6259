import type { StandardSchemaV1 } from '@standard-schema/spec'
import { CacheOptionError } from './cache-errors.js'
import type { Policy } from './policy.js'

/** Gives a value as it may be handed out. Throws when it may not. */
export type ValueCheck = (value: unknown) => unknown

/**
 * A check by a schema, whose conversions and defaults hold; `undefined` when there is none.
 *
 * Where a policy remembers that there is nothing, `null` and `undefined` are not checked: a schema says what there is when there is something.
 * The check throws a CacheOptionError when the schema does not answer at once.
 *
 * @throws CacheOptionError for what is no schema.
 */
export function checkBySchema(schema: StandardSchemaV1 | undefined, policy: () => Policy): ValueCheck | undefined {
  if (schema === undefined) return undefined
  if (typeof schema?.['~standard']?.validate !== 'function')
    throw new CacheOptionError('schema must be a Standard Schema.')
  return (value) => {
    if (value == null && policy().negativeMs !== undefined) return value
    const result = schema['~standard'].validate(value)
    if (result instanceof Promise) throw new CacheOptionError('The schema of a cached value must answer at once.')
    if (result.issues !== undefined) throw new TypeError('The entry does not fit the schema.')
    return result.value
  }
}
