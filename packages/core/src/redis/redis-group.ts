import {
  boolean,
  type Condition,
  type Field,
  field,
  type Group,
  type GroupReading,
  group,
  host,
  integer,
  type ProductionRule,
  port,
  type SharedVariable,
  secret,
  text,
} from '@plinth/config'
import type { Secret } from '@plinth/config/secret'
import { isPrivateHost } from '../private-host.js'
import { parseRedisUrl, type RedisAddress, type RedisUrl } from './redis-url.js'

/** The Redis of every component that names none of its own. */
export const sharedRedisUrl: SharedVariable = {
  env: 'REDIS_URL',
  meaning:
    'The Redis of every component that names none of its own. Its database number is not used: each component has its own.',
  example: 'redis://127.0.0.1:6379',
}

/** How to reach the Redis of one component, and which variables said so. */
export interface RedisSettings {
  readonly address: RedisAddress
  /** The database number; always 0 on Cluster. */
  readonly db: number
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly tls: boolean
  /** How many connections commands are spread over. */
  readonly poolSize: number
  /** The variables to name when the address, the database or the password turns out to be wrong. */
  readonly variables: { readonly address: string; readonly db: string; readonly password: string }
}

/** Options of {@link redisGroup}. */
export interface RedisGroupOptions {
  /** Whose Redis it is, in prose: `the cache`. */
  readonly of: string
  /** The beginning of the variables: `CACHE` for `CACHE_REDIS_URL`. */
  readonly prefix: string
  /** The database number that holds unless another one is set. */
  readonly db: number
  /** When the component uses Redis. */
  readonly when: Condition
}

/**
 * Describes the Redis of one component: a URL, or host, port and the rest, or else the shared `REDIS_URL`.
 *
 * The component's own settings win over the shared URL, whose database number never counts. A URL and a part that says
 * something else contradict each other, and both are named.
 */
export function redisGroup({ of, prefix, db, when }: RedisGroupOptions): Group<RedisSettings> {
  const env = (name: string): string => `${prefix}_REDIS_${name}`
  const fields = {
    url: redisUrl(env('URL'), {
      meaning: `The Redis of ${of}, as a URL instead of the single parts below.`,
      sharedUnless: [env('HOST')],
    }),
    host: host(env('HOST'), {
      meaning: `The host of the Redis of ${of}.`,
      default: '127.0.0.1',
      example: 'redis.internal',
    }),
    port: port(env('PORT'), { meaning: `The port of the Redis of ${of}.`, default: 6379 }),
    db: integer(env('DB'), { meaning: `The database number of ${of}.`, default: db, max: 99_999 }),
    username: text(env('USERNAME'), { meaning: `The ACL user of ${of}, when it is not the default one.` }),
    password: secret(env('PASSWORD'), { meaning: `The Redis password of ${of}.` }),
    tls: boolean(env('TLS'), { meaning: `Whether ${of} speaks TLS to Redis.`, default: false }),
    poolSize: integer(env('POOL_SIZE'), {
      meaning: `How many Redis connections ${of} spreads its commands over; one is enough unless values are large.`,
      default: 1,
      min: 1,
      max: 64,
    }),
  }
  return group({ when, fields, check, resolve })
}

type Values = {
  readonly url: RedisUrl | undefined
  readonly host: string
  readonly port: number
  readonly db: number
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly tls: boolean
  readonly poolSize: number
}
type Reading = GroupReading<Values>

function redisUrl(
  env: string,
  options: { meaning: string; sharedUnless: readonly string[] },
): Field<RedisUrl | undefined> {
  const all = { ...options, example: 'redis://127.0.0.1:6379/0', shared: sharedRedisUrl }
  return field<RedisUrl | undefined>(env, all, { type: 'Redis URL', parse: parseRedisUrl, secret: true })
}

function check(reading: Reading): void {
  const own = reading.given('url')
  if (own !== undefined) checkAgainstParts(own, reading)
  if (reading.shared('url') !== undefined && reading.given('port') !== undefined) {
    reading.fault(
      ['port', 'url'],
      'are both set, but the port has no host',
      `Set ${reading.variable('host')} too, or remove the port.`,
    )
  }
  const { address } = own ?? reading.shared('url') ?? {}
  const db = reading.given('db')
  if (address !== undefined && 'cluster' in address && db !== undefined && db !== 0) {
    const remedy = `Remove ${reading.variable('db')}: on Cluster, components are kept apart by the prefixes of their keys.`
    reading.fault(['db', 'url'], 'contradict each other: Redis Cluster has only database 0', remedy)
  }
  if (reading.shared('url')?.db) {
    const remedy = 'Remove the number from the URL; set the database by the *_REDIS_DB variable of each component.'
    reading.warn(['url'], 'names a database, which is not used', remedy)
  }
}

function checkAgainstParts(url: RedisUrl, reading: Reading): void {
  const single = 'host' in url.address ? url.address : undefined
  const said: { readonly [Key in keyof Values]?: unknown } = {
    host: single?.host ?? '',
    port: single?.port ?? 0,
    db: url.db,
    username: url.username,
    password: url.password?.reveal(),
    tls: url.tls,
  }
  for (const key of ['host', 'port', 'db', 'username', 'password', 'tls'] as const) {
    const part = key === 'password' ? reading.given(key)?.reveal() : reading.given(key)
    if (part === undefined || said[key] === undefined || part === said[key]) continue
    reading.fault(['url', key], 'are both set and differ', `Keep one of them; the URL alone is enough.`)
  }
}

function resolve(values: Values, reading: Reading): RedisSettings {
  const { url, host, port, poolSize } = values
  const address = url?.address ?? { host, port }
  const dbByUrl = reading.given('db') === undefined && reading.given('url')?.db !== undefined
  const passwordByUrl = values.password === undefined && url?.password !== undefined
  const settings: RedisSettings = {
    address,
    db: 'cluster' in address ? 0 : dbByUrl ? (url?.db ?? values.db) : values.db,
    username: values.username ?? url?.username,
    password: values.password ?? url?.password,
    tls: reading.given('tls') ?? url?.tls ?? false,
    poolSize,
    variables: {
      address: reading.variable(url === undefined ? 'host' : 'url'),
      db: reading.variable(dbByUrl ? 'url' : 'db'),
      password: reading.variable(passwordByUrl ? 'url' : 'password'),
    },
  }
  if (url !== undefined) reading.supersede(['host', 'port'], 'url')
  if (dbByUrl || 'cluster' in address) reading.supersede(['db'], 'url')
  if (url !== undefined && reading.given('tls') === undefined) reading.supersede(['tls'], 'url')
  return settings
}

/** Gives the rule that a component must not speak to a Redis on the public internet that asks for no password. */
export function publicRedisRule(prefix: string): ProductionRule<{ readonly redis: RedisSettings | undefined }> {
  return {
    id: `prod-${prefix.toLowerCase().replaceAll('_', '-')}-redis-password`,
    severity: 'fault',
    variables: [`${prefix}_REDIS_PASSWORD`],
    problem: 'is not set, and the host looks like one of the public internet',
    remedy: 'Give the Redis a password, or reach it by a private name.',
    broken: ({ redis }) => redis !== undefined && isOpenToThePublic(redis),
  }
}

function isOpenToThePublic({ address, password }: RedisSettings): boolean {
  if (password !== undefined || 'path' in address) return false
  const endpoints = 'cluster' in address ? address.cluster : 'sentinels' in address ? address.sentinels : [address]
  return endpoints.some(({ host }) => !isPrivateHost(host))
}
