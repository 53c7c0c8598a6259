import { reveal, type Secret } from '@plinth/config/secret'
import { describeEndpoint, type Endpoint, parseEndpoints } from '../endpoint.js'
import { MisconfiguredError } from '../infra-error.js'
import type { MemcachedServer } from './memcached-link.js'

/** Which servers, and who we are there. */
export interface MemcachedTarget {
  /** `host:port`, several of them separated by commas or as a list. */
  readonly servers: string | readonly (string | Endpoint)[]
  /** SASL credentials, the same for every server. */
  readonly username?: string | undefined
  readonly password?: string | Secret | undefined
  /** What to call the settings in messages: the variables that they came from. Default: the names of the options. */
  readonly variables?: Readonly<Partial<Record<'servers' | 'password', string>>>
}

/** Reads the list of servers. Throws a {@link MisconfiguredError} that names the setting and shows no value. */
export function resolveMemcachedServers(target: MemcachedTarget): readonly MemcachedServer[] {
  const { servers = 'servers', password: passwordName = 'password' } = target.variables ?? {}
  const { username } = target
  const password = target.password === undefined ? undefined : reveal(target.password)
  if ((username === undefined) !== (password === undefined)) {
    throw wrong(`The user name and ${passwordName} belong together, and only one is set.`)
  }
  const given = typeof target.servers === 'string' ? [target.servers] : target.servers
  const endpoints = given.map((each) => (typeof each === 'string' ? parseEndpoints(each, 11_211) : [each]))
  if (endpoints.length === 0 || endpoints.includes(undefined)) {
    throw wrong(`${servers} must name its servers as host:port, and the user and the password as options of their own.`)
  }
  const all = endpoints.flatMap((each) => each ?? [])
  if (new Set(all.map(describeEndpoint)).size < all.length) throw wrong(`${servers} names a server twice.`)
  return all.map((endpoint) => ({ ...endpoint, username, password }))
}

function wrong(message: string): MisconfiguredError {
  return new MisconfiguredError(message, { code: 'MEMCACHED_CONFIG_INVALID' })
}
