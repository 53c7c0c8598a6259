import type { ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { fullJitter } from '../backoff.js'
import type { ResolvedTarget } from './redis-target.js'

/** What a client is for: ordinary commands of everyone, commands that block, subscriptions, or what changes a connection. */
export type RedisRole = 'shared' | 'blocking' | 'subscriber' | 'dedicated'

/** Times and names of a client, in milliseconds. */
export interface ClientSettings {
  /** How long connecting may take, and then the handshake. Default 1200. */
  readonly connectTimeoutMs: number
  /** After this long without an answer a shared connection counts as dead, whatever the gate says. Default 5000. */
  readonly socketTimeoutMs: number
  /** Shows in `CLIENT LIST`, such as `shop:cache`. */
  readonly connectionName?: string
}

/** Which client is wanted. */
export interface ClientRequest {
  readonly role: RedisRole
  readonly settings: ClientSettings
  /** The wait in milliseconds before the next attempt to connect; never "give up". */
  readonly nextDelayMs: () => number
  /** RESP version. Default 3. */
  readonly protocol?: 2 | 3
  /** Whether it subscribes again by itself after a reconnect. Default true. */
  readonly resubscribe?: boolean
  /** The one node of a Cluster to connect to. */
  readonly node?: Redis
}

type PlainOptions = RedisOptions & { replyMapping: 'legacy' }
type WaitingOptions = Required<Pick<RedisOptions, 'retryStrategy' | 'enableOfflineQueue' | 'maxRetriesPerRequest'>>

const RECONNECT_BASE_MS = 50
/** With {@link ClientSettings.connectTimeoutMs} this keeps a recovery within two seconds of the server's return. */
const RECONNECT_CAP_MS = 700
const LOADING_POLL_MS = 500
const QUIT_GRACE_MS = 100

/** A wait with full jitter, up to 0.7 s. */
export const reconnectDelay: (attempt: number) => number = fullJitter({
  baseMs: RECONNECT_BASE_MS,
  capMs: RECONNECT_CAP_MS,
})

/**
 * The options of ioredis for a role.
 *
 * Shared clients fail fast: no queue while away, nothing is sent twice (a repeated script would count twice); their link
 * watches for sockets that stay silent. Blocking clients and subscribers wait instead; a deadline would cut their
 * commands. No `keyPrefix`: it covers neither patterns nor keys inside scripts, so components prefix by themselves.
 */
export function standaloneOptions(target: ResolvedTarget, request: ClientRequest): PlainOptions {
  return {
    ...placeOptions(target, request),
    ...commonOptions(target, request),
    ...waitingOptions(request),
    db: target.db,
  }
}

/** As {@link standaloneOptions}, for one node of a Cluster. */
export function nodeClientOptions(target: ResolvedTarget, request: ClientRequest): PlainOptions {
  const { host, port } = request.node?.options ?? {}
  return {
    ...(host === undefined || port === undefined ? {} : { host, port }),
    ...commonOptions(target, request),
    ...waitingOptions(request),
  }
}

/** As {@link standaloneOptions}, for a Cluster: the offline queue is switched off for the whole, never for a node. */
export function clusterOptions(
  target: ResolvedTarget,
  request: ClientRequest,
): ClusterOptions & { redisOptions: PlainOptions } {
  const { enableOfflineQueue, maxRetriesPerRequest } = waitingOptions(request)
  const failFast = request.role === 'shared'
  const { socketTimeoutMs } = request.settings
  // the client of a node comes and goes by itself, so ioredis watches it: see `watchSilence`
  const silence = failFast ? { socketTimeout: socketTimeoutMs, commandTimeout: socketTimeoutMs } : {}
  return {
    redisOptions: { ...commonOptions(target, request), maxRetriesPerRequest, ...silence },
    clusterRetryStrategy: request.nextDelayMs,
    enableOfflineQueue,
    slotsRefreshTimeout: request.settings.connectTimeoutMs,
    retryDelayOnFailover: failFast ? 0 : 100,
    retryDelayOnClusterDown: failFast ? 0 : 100,
    ...(target.tls === undefined ? {} : { dnsLookup: keepHostName }),
  }
}

function placeOptions(target: ResolvedTarget, { role, settings, nextDelayMs }: ClientRequest): RedisOptions {
  const { place, tls, sentinelUsername, sentinelPassword, sentinelTls } = target
  if ('host' in place) return { host: place.host, port: place.port }
  if ('path' in place) return { path: place.path }
  if (!('sentinels' in place)) return {}
  return {
    sentinels: [...place.sentinels],
    name: place.name,
    sentinelUsername,
    sentinelPassword,
    sentinelTLS: sentinelTls,
    sentinelCommandTimeout: settings.connectTimeoutMs,
    // a wait inside the connector could not be ended; the link begins anew instead
    sentinelRetryStrategy: role === 'shared' ? () => null : nextDelayMs,
    enableTLSForSentinelMode: tls !== undefined,
  }
}

function waitingOptions({ role, nextDelayMs }: ClientRequest): WaitingOptions {
  return {
    retryStrategy: nextDelayMs,
    enableOfflineQueue: role !== 'shared',
    maxRetriesPerRequest: role === 'shared' ? 0 : null,
  }
}

function commonOptions(target: ResolvedTarget, request: ClientRequest): PlainOptions {
  const { role, settings, protocol = 3, resubscribe = true } = request
  return {
    replyMapping: 'legacy',
    protocol,
    autoResubscribe: resubscribe,
    connectTimeout: settings.connectTimeoutMs,
    disconnectTimeout: QUIT_GRACE_MS,
    // what is shared is verified here, without INFO, which not every user may ask; Sentinel needs it to know a master
    enableReadyCheck: role !== 'shared' || 'sentinels' in target.place,
    maxLoadingRetryTime: LOADING_POLL_MS,
    autoResendUnfulfilledCommands: role !== 'shared',
    keepAlive: 30_000,
    noDelay: true,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    username: target.username,
    password: target.password,
    tls: target.tls,
    connectionName: settings.connectionName,
  }
}

/** Certificates are made out to names, and a looked-up address would not match them. */
function keepHostName(host: string, answer: (error: null, address: string) => void): void {
  answer(null, host)
}
