import { z } from 'zod'
import { type Bytes, parseBytes } from '../bytes.js'
import { type Duration, describeDuration, parseDuration } from '../duration.js'
import { type Certain, type Field, type FieldOptions, field } from '../field.js'
import { textKind } from './text-kind.js'

/** Options of a number with bounds, both included. */
export interface NumberOptions<Bound> extends FieldOptions {
  readonly min?: Bound
  readonly max?: Bound
  /** What is counted, for generated documents: `requests`. */
  readonly unit?: string
}

/** A whole number in plain decimal digits. Default bounds: 0 and the largest safe integer. */
export function integer(env: string, options: NumberOptions<number> & Certain<number>): Field<number>
export function integer(env: string, options: NumberOptions<number>): Field<number | undefined>
export function integer(
  env: string,
  { default: preset, min = 0, max = Number.MAX_SAFE_INTEGER, unit, ...options }: NumberOptions<number> & Preset<number>,
): Field<number | undefined> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return field(
    env,
    options,
    textKind<number>({
      type: unit === undefined ? 'whole number' : `whole number of ${unit}`,
      schema: z
        .string()
        .regex(/^-?\d{1,17}$/)
        .transform(Number)
        .pipe(z.int().min(min).max(max)),
      problem: `must be a whole number ${range}`,
      remedy: (variable, text) =>
        serviceLinkRemedy(text) ??
        `Write a number of that range in plain digits, such as ${variable}=${options.example ?? preset ?? min}.`,
      show: String,
      preset,
    }),
  )
}

/** A TCP port, 1 to 65535 (with `min: 0`, also 0 for any free one). */
export function port(env: string, options: NumberOptions<number> & Certain<number>): Field<number>
export function port(env: string, options: NumberOptions<number>): Field<number | undefined>
export function port(env: string, options: NumberOptions<number> & Preset<number>): Field<number | undefined> {
  return { ...integer(env, { min: 1, max: 65_535, ...options }), type: 'port' }
}

/** A length of time in milliseconds. A plain number in the environment is seconds; `250ms`, `5m` and `1h30m` are read too. */
export function duration(env: string, options: NumberOptions<Duration> & Certain<Duration>): Field<number>
export function duration(env: string, options: NumberOptions<Duration>): Field<number | undefined>
export function duration(
  env: string,
  { default: preset, min = 0, max = Number.MAX_SAFE_INTEGER, ...options }: NumberOptions<Duration> & Preset<Duration>,
): Field<number | undefined> {
  const [least, most] = [parseDuration(min), parseDuration(max)]
  const range = most === Number.MAX_SAFE_INTEGER ? '' : ` from ${describeDuration(least)} to ${describeDuration(most)}`
  const atLeast = range === '' && least > 0 ? ` of at least ${describeDuration(least)}` : range
  return field(
    env,
    options,
    textKind<number>({
      type: 'seconds, or a duration',
      schema: reading((text) => parseDuration(/^\d{1,13}$/.test(text) ? `${text}s` : text), least, most),
      problem: `must be a length of time${atLeast}`,
      remedy: (variable) =>
        `Write seconds, or a number with its unit (ms, s, m, h, d or w), such as ${variable}=60 or ${variable}=5m.`,
      show: (value) => (value % 1000 === 0 ? String(value / 1000) : describeDuration(value)),
      preset: preset === undefined ? undefined : parseDuration(preset, env),
    }),
  )
}

/** A size in bytes, also written `64kb`, `1mb` or `2gb`. */
export function bytes(env: string, options: NumberOptions<Bytes> & Certain<Bytes>): Field<number>
export function bytes(env: string, options: NumberOptions<Bytes>): Field<number | undefined>
export function bytes(
  env: string,
  { default: preset, min = 0, max = Number.MAX_SAFE_INTEGER, ...options }: NumberOptions<Bytes> & Preset<Bytes>,
): Field<number | undefined> {
  const [least, most] = [parseBytes(min), parseBytes(max)]
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  return field(
    env,
    options,
    textKind<number>({
      type: 'size in bytes',
      schema: reading((text) => parseBytes(text), least, most),
      problem: `must be a size ${range} bytes`,
      remedy: (variable) => `Write bytes, or a number with its unit (kb, mb or gb), such as ${variable}=64mb.`,
      show: String,
      preset: preset === undefined ? undefined : parseBytes(preset, env),
    }),
  )
}

interface Preset<Value> {
  readonly default?: Value
}

/** A schema over a parser that throws. */
function reading(parse: (text: string) => number, min: number, max: number): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    try {
      const value = parse(text)
      if (value >= min && value <= max) return value
    } catch {
      // The field says in its own words what is expected.
    }
    context.addIssue('not readable')
    return z.NEVER
  })
}

/** Kubernetes writes the address of a service called `cache-redis` into `CACHE_REDIS_PORT`. */
function serviceLinkRemedy(text: string): string | undefined {
  if (!/^(?:tcp|udp|sctp):\/\//.test(text)) return undefined
  return 'Kubernetes sets this for a service of that name: set enableServiceLinks: false for the pod, or rename the service.'
}
