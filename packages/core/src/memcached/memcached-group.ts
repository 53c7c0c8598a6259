import {
  type Condition,
  type Field,
  field,
  type Group,
  type GroupReading,
  group,
  host,
  type Parsed,
  port,
  type SharedVariable,
  secret,
  text,
} from '@plinth/config'
import type { Secret } from '@plinth/config/secret'
import { describeEndpoint, type Endpoint, parseEndpoints } from '../endpoint.js'

/** The Memcached servers of every component that names none of its own. */
export const sharedMemcachedServers: SharedVariable = {
  env: 'MEMCACHED_SERVERS',
  meaning: 'The Memcached servers of every component that names none of its own.',
  example: '127.0.0.1:11211',
}

/** How to reach the Memcached servers of one component, and which variables said so. */
export interface MemcachedSettings {
  readonly servers: readonly Endpoint[]
  readonly username: string | undefined
  readonly password: Secret | undefined
  /** The variables to name when the servers or the password turn out to be wrong. */
  readonly variables: { readonly servers: string; readonly password: string }
}

/** Options of {@link memcachedGroup}. */
export interface MemcachedGroupOptions {
  /** Whose Memcached it is, in prose: `the cache`. */
  readonly of: string
  /** The beginning of the variables: `CACHE` for `CACHE_MEMCACHED_SERVERS`. */
  readonly prefix: string
  /** When the component uses Memcached. */
  readonly when: Condition
}

/** Describes the Memcached of one component: several servers, or one host and port, or else the shared ones. */
export function memcachedGroup({ of, prefix, when }: MemcachedGroupOptions): Group<MemcachedSettings> {
  const env = (name: string): string => `${prefix}_MEMCACHED_${name}`
  const fields = {
    servers: serverList(env('SERVERS'), {
      meaning: `The Memcached servers of ${of}, separated by commas, instead of the single host below.`,
      sharedUnless: [env('HOST')],
    }),
    host: host(env('HOST'), {
      meaning: `The host of the Memcached of ${of}.`,
      default: '127.0.0.1',
      example: 'memcached.internal',
    }),
    port: port(env('PORT'), { meaning: `The port of the Memcached of ${of}.`, default: 11_211 }),
    username: text(env('USERNAME'), { meaning: `The SASL user of ${of}.` }),
    password: secret(env('PASSWORD'), { meaning: `The SASL password of ${of}.` }),
  }
  return group({ when, fields, check, resolve })
}

type Values = {
  readonly servers: readonly Endpoint[] | undefined
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: Secret | undefined
}
type Reading = GroupReading<Values>

function serverList(
  env: string,
  options: { readonly meaning: string; readonly sharedUnless: readonly string[] },
): Field<readonly Endpoint[] | undefined> {
  const all = { ...options, example: '10.0.0.1:11211,10.0.0.2:11211', shared: sharedMemcachedServers }
  return field<readonly Endpoint[] | undefined>(env, all, { type: 'list of host:port', parse: parseServers })
}

function parseServers(list: string, variable: string): Parsed<readonly Endpoint[]> {
  const servers = parseEndpoints(list, 11_211)
  if (servers !== undefined) return { ok: true, value: servers, shown: servers.map(describeEndpoint).join(',') }
  const remedy = `Write ${variable}=host:11211,host:11211 without scheme, user name or password.`
  return { ok: false, problem: 'must be a list of host:port, separated by commas', remedy }
}

function check(reading: Reading): void {
  const servers = reading.given('servers')
  for (const key of ['host', 'port'] as const) {
    const part = reading.given(key)
    const same = servers?.length === 1 && servers[0]?.[key] === part
    if (servers === undefined || part === undefined || same) continue
    reading.fault(['servers', key], 'are both set and differ', 'Keep one of them.')
  }
  if (reading.shared('servers') !== undefined && reading.given('port') !== undefined) {
    const remedy = `Set ${reading.variable('host')} too, or remove the port.`
    reading.fault(['port', 'servers'], 'are both set, but the port has no host', remedy)
  }
  if ((reading.given('username') === undefined) !== (reading.given('password') === undefined)) {
    reading.fault(['username', 'password'], 'belong together, and only one is set', 'Set both, or neither.')
  }
}

function resolve({ servers, host, port, username, password }: Values, reading: Reading): MemcachedSettings {
  const variables = {
    servers: reading.variable(servers === undefined ? 'host' : 'servers'),
    password: reading.variable('password'),
  }
  if (servers !== undefined) reading.supersede(['host', 'port'], 'servers')
  return { servers: servers ?? [{ host, port }], username, password, variables }
}
