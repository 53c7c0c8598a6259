import type { Duration } from '@plinth/config/units'
import type { KeyParam } from '../keys/encode-param.js'
import type { Placeholders } from '../keys/template.js'
import type { LoadContext, LoadOptions } from '../load-options.js'

/** The arguments that templates need: each placeholder, of a type that can be part of a key. */
export type FunctionArgs<Template extends string> = { readonly [Name in Placeholders<Template>]: KeyParam }

/** Computes the value for arguments. */
export type Load<Arguments, Result> = (
  args: Arguments,
  context: LoadContext<Awaited<Result>>,
) => Result | Promise<Result>

/** Options of `cache.define`. */
export interface DefineOptions<Arguments, Result, Tag extends string> extends LoadOptions<Awaited<Result>> {
  /** Templates of tags, such as `'user:{userId}'`, or what tells the tags from arguments and value. */
  readonly tags?: readonly Tag[] | ((args: Arguments, value: Awaited<Result>) => readonly string[])
  /** For which arguments `cache.warm()` computes what is not cached yet. Asked anew each time. */
  readonly warm?: () => Iterable<Arguments> | Promise<Iterable<Arguments>>
}

/** Arguments, or none where none are needed. */
export type CallArgs<Arguments> = object extends Arguments ? [args?: Arguments] : [args: Arguments]

/** A function whose results are cached. */
export interface CachedFunction<Arguments, Result> {
  /** The value, from the cache or computed: once for all who ask at the same time. */
  (...args: CallArgs<Arguments>): Promise<Awaited<Result>>
  /** The template it was defined with. */
  readonly template: string
  /** Computes anew and stores, whatever is cached. */
  refresh(...args: CallArgs<Arguments>): Promise<Awaited<Result>>
  /** Forgets the value; what is being computed for it will not be stored. */
  invalidate(...args: CallArgs<Arguments>): Promise<void>
  /** The cached value, or `undefined`; computes nothing. */
  peek(...args: CallArgs<Arguments>): Promise<Awaited<Result> | undefined>
  /** Stores a value that is known already, such as what was just written. */
  put(args: Arguments, value: Awaited<Result>): Promise<void>
  /** Computes for many arguments, a few at a time, what is not cached yet; failures are answered, not thrown. */
  warm(many: Iterable<Arguments>, options?: WarmOptions): Promise<WarmReport>
}

/** Options of `cache.warm` and {@link CachedFunction.warm}. */
export interface WarmOptions {
  /** How many are computed at the same time. Default 5. */
  readonly concurrency?: number
  /** How long to wait for it at most; what is not done by then goes on in the background. Default: until it is done. */
  readonly budget?: Duration
  /** Begins no more computations once it aborts. */
  readonly signal?: AbortSignal
}

/** What came of warming, as far as it was waited for. */
export interface WarmReport {
  /** How many values are cached now, those that were cached already included. */
  readonly warmed: number
  readonly failures: readonly unknown[]
  /** Whether everything was tried; false when the budget was over first, or the signal aborted. */
  readonly complete: boolean
}
