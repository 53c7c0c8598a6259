import type { CacheCore } from '../cache-core.js'
import { CacheKeyError } from '../cache-errors.js'
import { encodeParam, type KeyParam } from '../keys/encode-param.js'
import { mustBeList } from '../option-checks.js'
import { defineFunction } from './define-function.js'
import { defineMutation } from './define-mutation.js'
import type { CacheResource } from './resource.js'

const NAME = /^[A-Za-z_][\w.-]*$/

/** Builds a group of functions about one kind of thing; see `Cache.resource`. */
export function defineResource(core: CacheCore, name: string, idField: string): CacheResource<string, string> {
  if (!NAME.test(name) || !NAME.test(idField)) {
    throw new CacheKeyError(
      'A resource needs a plain name and the plain name of its id, such as resource("user", "userId").',
    )
  }
  const tag = `${name}:{${idField}}`
  const tagOf = (id: KeyParam): string => `${name}:${encodeParam(id, `The id of ${name}`)}`
  return {
    name,
    idField,
    define: ((suffix: string, options: { readonly tags?: unknown }, load: never) => {
      const { tags = [] } = options
      const both =
        typeof tags === 'function'
          ? (args: Record<string, KeyParam>, value: unknown) => [...tags(args, value), tagOf(args[idField] as KeyParam)]
          : [tag, ...listOf(tags)]
      return defineFunction(core, `${tag}:${suffix}`, { ...options, tags: both } as never, load)
    }) as never,
    mutation: ((options: { readonly tags?: unknown }, save: never) => {
      const { tags = [] } = options
      const both =
        typeof tags === 'function'
          ? (args: Record<string, KeyParam>, result: unknown) => [
              ...tags(args, result),
              tagOf(args[idField] as KeyParam),
            ]
          : [tag, ...listOf(tags)]
      return defineMutation(core, { ...options, tags: both } as never, save)
    }) as never,
    tag: tagOf,
    invalidate: (id) => core.invalidations.tags([tagOf(id)]),
  }
}

/** A text would be taken for a list of its characters. */
function listOf(tags: unknown): readonly string[] {
  mustBeList(tags, 'tags')
  return tags as readonly string[]
}
