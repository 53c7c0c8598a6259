import type { KeyParam } from '../keys/encode-param.js'
import type { CachedFunction, DefineOptions, FunctionArgs, Load } from './cached-function.js'
import type { MutationOptions } from './mutation.js'

/** The cached functions of one kind of thing. All its entries carry the tag `name:{idField}`. */
export interface CacheResource<Name extends string, IdField extends string> {
  readonly name: Name
  readonly idField: IdField

  /** Defines a read under the key `name:{idField}:suffix`; the suffix is a template too. */
  define<
    const Suffix extends string,
    Arguments extends FunctionArgs<Suffix | `{${IdField}}` | Tag>,
    Result,
    const Tag extends string = never,
  >(
    suffix: Suffix,
    options: DefineOptions<Arguments, Result, Tag>,
    load: Load<Arguments, Result>,
  ): CachedFunction<Arguments, Result>
  /** Defines a write: after success it invalidates every entry of the thing it was called for. */
  mutation<Arguments extends FunctionArgs<`{${IdField}}` | Tag>, Result, const Tag extends string = never>(
    options: MutationOptions<Arguments, Result, Tag>,
    save: (args: Arguments) => Result | Promise<Result>,
  ): (args: Arguments) => Promise<Awaited<Result>>
  /** The tag of one thing, such as `user:42`. */
  tag(id: KeyParam): string
  /** Invalidates every entry of one thing. */
  invalidate(id: KeyParam): Promise<void>
}
