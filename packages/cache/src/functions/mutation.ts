/** Options of `cache.mutation`: what a successful call invalidates, and what it then computes anew. */
export interface MutationOptions<Arguments, Result, Template extends string = string> {
  /** Templates of tags, or what tells the tags from arguments and result. */
  readonly tags?: readonly Template[] | ((args: Arguments, result: Awaited<Result>) => readonly string[])
  /** Templates of keys to delete. */
  readonly keys?: readonly Template[]
  /** Templates of prefixes to delete. */
  readonly prefixes?: readonly Template[]
  /** Templates of patterns to delete; only the `*` and `?` of the template are wildcards. */
  readonly patterns?: readonly Template[]
  /** Functions to compute anew after the invalidation, with the arguments of the call. */
  readonly recache?: readonly Recache<Arguments, Result>[]
  /** How many are computed anew at the same time. Default 5. */
  readonly recacheConcurrency?: number
}

/** A function to compute anew, or a plan that says with which arguments. */
export type Recache<Arguments, Result> = Recacheable<Arguments> | RecachePlan<Arguments, Result>

/** The part of a cached function that recaching needs. */
export interface Recacheable<Arguments> {
  readonly template: string
  refresh(args: Arguments): Promise<unknown>
}

/** How the arguments of a write become the arguments of a read. */
export interface RecachePlan<Arguments, Result> {
  readonly fn: Recacheable<never>
  /** Which arguments to pass on. Default: all. */
  readonly include?: readonly (keyof Arguments & string)[]
  /** New names: `{ id: 'userId' }` passes `id` as `userId`. */
  readonly rename?: Readonly<Partial<Record<keyof Arguments & string, string>>>
  /** Arguments to add. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Instead of the above: the arguments, or several sets of them, from arguments and result. */
  readonly args?: (args: Arguments, result: Awaited<Result>) => unknown
}
