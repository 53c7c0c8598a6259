import { createHash } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { reveal, type Secret } from '@plinth/config/secret'
import { describeEndpoint, type Endpoint, parseEndpoints } from '../endpoint.js'
import { MisconfiguredError } from '../infra-error.js'
import type { RedisClient } from './redis-connection.js'
import type { RedisIdentity, RedisNode, RedisTarget, RedisVariables, ResolvedTarget } from './redis-target.js'
import { parseRedisUrl } from './redis-url.js'

const WAYS = ['url', 'address', 'cluster', 'sentinels', 'client'] as const

/** Reads where to connect. No I/O; every contradiction is a {@link MisconfiguredError} that names the settings, never their values. */
export function resolveRedisTarget(options: RedisTarget & RedisIdentity): ResolvedTarget {
  const way = onlyWay(options)
  const variables = { address: way, db: 'db', password: 'password', ...options.variables }
  const read = readPlace(options, variables)
  const db = agree('DB numbers', read.db, options.db, [variables.address, variables.db]) ?? 0
  if (!Number.isInteger(db) || db < 0) throw wrong(`${variables.db} must be a whole number from 0 up.`)
  if ('cluster' in read.place && db !== 0) {
    throw wrong(
      `${variables.db} is ${db}, but Redis Cluster has only DB 0. Set ${variables.db} to 0: components are kept apart by their key prefix.`,
    )
  }
  const username = agree('user names', read.username, options.username, [variables.address, 'username'])
  const given = plain(options.password)
  const password = agree('passwords', read.password, given, [variables.address, variables.password])
  if (read.tls === true && options.tls === false && way === 'url') {
    throw wrong(`${variables.address} begins with rediss://, but tls is false. Take one of them away.`)
  }
  const tls = tlsOptions(options.tls ?? read.tls)
  const sentinelPassword = plain(options.sentinelPassword)
  const where = describePlace(read.place)
  return {
    place: read.place,
    db,
    username,
    password,
    tls,
    sentinelUsername: options.sentinelUsername,
    sentinelPassword,
    sentinelTls: tlsOptions(options.sentinelTls),
    identity: [where, username ?? '', tls === undefined ? '' : 'tls'].join(' '),
    target: `${where}/${db}`,
    credentials: createHash('sha256')
      .update(JSON.stringify([password, sentinelPassword]))
      .digest('hex'),
    variables: options.variables ?? {},
  }
}

interface Read {
  readonly place: ResolvedTarget['place']
  readonly db?: number | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly tls?: boolean | undefined
}

function onlyWay(options: RedisTarget): (typeof WAYS)[number] {
  const given = WAYS.filter((way) => Reflect.get(options, way) !== undefined)
  const [way, other] = given
  if (way !== undefined && other === undefined) return way
  throw wrong(`Say which Redis by one of ${WAYS.join(', ')}. Given: ${given.join(', ') || 'none'}.`)
}

function readPlace(options: RedisTarget, variables: RedisVariables): Read {
  if ('client' in options) return { place: { client: options.client }, db: dbOfClient(options.client) }
  if ('address' in options) return { place: options.address }
  if ('cluster' in options) return { place: { cluster: readNodes(options.cluster, 6379, variables.address) } }
  if ('sentinels' in options) {
    const { name } = options
    if (name === '') throw wrong('Sentinels need the name of the master that they watch.')
    return { place: { sentinels: readNodes(options.sentinels, 26_379, variables.address), name } }
  }
  const parsed = parseRedisUrl(reveal(options.url))
  if (!parsed.ok) throw wrong(`${variables.address} ${parsed.problem}. ${parsed.remedy}`)
  const { address, db, username, password, tls } = parsed.value
  return { place: address, db, username, password: plain(password), tls: tls || undefined }
}

function readNodes(nodes: readonly RedisNode[], port: number, setting: string): readonly Endpoint[] {
  const endpoints = nodes.flatMap((node) => (typeof node === 'string' ? (parseEndpoints(node, port) ?? []) : [node]))
  if (endpoints.length === 0 || endpoints.length < nodes.length) {
    throw wrong(`${setting} must name its nodes as host:port, and the user and the password as options of their own.`)
  }
  return endpoints
}

function dbOfClient(client: RedisClient): number {
  const { db } = client.options as { readonly db?: number }
  return client.isCluster ? 0 : (db ?? 0)
}

/** A name for the place, the same in whatever order its nodes were given. */
function describePlace(place: ResolvedTarget['place']): string {
  if ('client' in place) return describeClient(place.client)
  if ('path' in place) return place.path
  if ('cluster' in place) return list(place.cluster)
  if ('sentinels' in place) return `${place.name}@${list(place.sentinels)}`
  return describeEndpoint(place)
}

function describeClient(client: RedisClient): string {
  if (client.isCluster) return 'lent cluster'
  const { path, host = 'localhost', port = 6379 } = client.options as Partial<Endpoint> & { readonly path?: string }
  return path ?? describeEndpoint({ host, port })
}

function list(endpoints: readonly Endpoint[]): string {
  return endpoints.map(describeEndpoint).toSorted().join(',')
}

function agree<Value>(
  what: string,
  read: Value | undefined,
  given: Value | undefined,
  names: readonly [string, string],
): Value | undefined {
  if (read !== undefined && given !== undefined && read !== given) {
    throw wrong(`${names[0]} and ${names[1]} name two different ${what}. Take one of them away.`)
  }
  return given ?? read
}

function plain(secret: string | Secret | undefined): string | undefined {
  return secret === undefined ? undefined : reveal(secret)
}

function tlsOptions(given: boolean | ConnectionOptions | undefined): ConnectionOptions | undefined {
  if (given === undefined || given === false) return undefined
  return given === true ? {} : given
}

function wrong(message: string): MisconfiguredError {
  return new MisconfiguredError(message, { code: 'REDIS_CONFIG_INVALID' })
}
