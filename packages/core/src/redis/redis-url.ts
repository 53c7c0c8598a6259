import type { Parsed } from '@plinth/config'
import { Secret } from '@plinth/config/secret'
import { describeEndpoint, type Endpoint, parseEndpoints } from '../endpoint.js'

/** Where a Redis is: one server, a unix socket, a Cluster, or the master that Sentinels name. */
export type RedisAddress =
  | Endpoint
  | { readonly path: string }
  | { readonly cluster: readonly Endpoint[] }
  | { readonly sentinels: readonly Endpoint[]; readonly name: string }

/** What a Redis URL says. */
export interface RedisUrl {
  readonly address: RedisAddress
  /** Absent when the URL does not say. */
  readonly db: number | undefined
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly tls: boolean
}

const PARTS = /^([a-z+]+):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#@]*)?(?:\?([^#@]*))?$/i
const SCHEME = /^(redis|rediss)(?:\+(cluster|sentinel))?$/i

const FORMS =
  'redis://host:6379/0, rediss://host, redis+cluster://a:6379,b:6379, redis+sentinel://a:26379,b:26379/name or unix:///path'

const WRONG_FORM: Parsed<never> = {
  ok: false,
  problem: 'is not a Redis URL',
  remedy:
    `Write ${FORMS}. Percent-encode special characters of the user name and password ` +
    `(# is %23, / is %2F, ? is %3F, @ is %40), or set the password by its own variable.`,
}

/**
 * Reads the URL of a Redis: `redis://` and `rediss://` (TLS) with `user:password@`, a port and a database number;
 * `+cluster` and `+sentinel` with several hosts (and the master's name as the path); `unix:///path?db=0`.
 *
 * Other query parameters are refused, because nothing would read them. What is shown has no credentials.
 */
export function parseRedisUrl(text: string): Parsed<RedisUrl> {
  const [, scheme = '', login, hosts = '', path = '', query] = PARTS.exec(text.trim()) ?? []
  const access = parseLogin(login)
  if (scheme === '' || access === undefined) return WRONG_FORM
  if (scheme.toLowerCase() === 'unix') return parseSocket(hosts, path, query, access)
  const [, secure, topology] = SCHEME.exec(scheme) ?? []
  if (secure === undefined) return WRONG_FORM
  if (query !== undefined) {
    return { ok: false, problem: 'has a query, which nothing reads', remedy: 'Remove the ? and what follows it.' }
  }
  const endpoints = parseEndpoints(hosts, topology === 'sentinel' ? 26_379 : 6379)
  if (endpoints === undefined) return WRONG_FORM
  const tls = secure.toLowerCase() === 'rediss'
  const [name, number] = topology === 'sentinel' ? splitName(path) : ['', path]
  const db = parseDb(number)
  if (db === 'wrong')
    return { ok: false, problem: 'names a database that is not a number', remedy: 'End it with /0 or another number.' }
  const shownDb = db === undefined ? '' : `/${db}`
  const shown = `${scheme}://${endpoints.map(describeEndpoint).join(',')}${name === '' ? '' : `/${name}`}${shownDb}`

  switch (topology?.toLowerCase()) {
    case 'cluster':
      if (db !== undefined && db !== 0) {
        return {
          ok: false,
          problem: 'names a database, but Redis Cluster has only 0',
          remedy: 'Remove the number at its end.',
        }
      }
      return { ok: true, value: { address: { cluster: endpoints }, db: undefined, ...access, tls }, shown }
    case 'sentinel':
      if (name === '')
        return { ok: false, problem: "lacks the master's name", remedy: 'Write redis+sentinel://a:26379,b:26379/name.' }
      return { ok: true, value: { address: { sentinels: endpoints, name }, db, ...access, tls }, shown }
    default: {
      const [address, second] = endpoints
      if (address === undefined || second !== undefined) {
        return {
          ok: false,
          problem: 'names several hosts',
          remedy: 'Begin it with redis+cluster:// or redis+sentinel://.',
        }
      }
      return { ok: true, value: { address, db, ...access, tls }, shown }
    }
  }
}

type Access = Pick<RedisUrl, 'username' | 'password'>

function parseLogin(login = ''): Access | undefined {
  const colon = login.indexOf(':')
  const [user, pass] = colon === -1 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)]
  try {
    const [username, password] = [decodeURIComponent(user), decodeURIComponent(pass)]
    return { username: username || undefined, password: password === '' ? undefined : new Secret(password) }
  } catch {
    return undefined
  }
}

function parseSocket(hosts: string, path: string, query: string | undefined, access: Access): Parsed<RedisUrl> {
  const db = query === undefined ? undefined : parseDb(query.replace(/^db=/, '/'))
  if (hosts !== '' || path.length < 2 || db === 'wrong') return WRONG_FORM
  const address = { path }
  return {
    ok: true,
    value: { address, db, ...access, tls: false },
    shown: `unix://${path}${db === undefined ? '' : `?db=${db}`}`,
  }
}

function splitName(path: string): [string, string] {
  const [, name = '', ...rest] = path.split('/')
  return [name, rest.length === 0 ? '' : `/${rest.join('/')}`]
}

function parseDb(path: string): number | undefined | 'wrong' {
  if (path === '' || path === '/') return undefined
  const digits = /^\/(\d{1,5})$/.exec(path)?.[1]
  return digits === undefined ? 'wrong' : Number(digits)
}
