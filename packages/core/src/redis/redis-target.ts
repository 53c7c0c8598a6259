import type { ConnectionOptions } from 'node:tls'
import type { Secret } from '@plinth/config/secret'
import type { Endpoint } from '../endpoint.js'
import type { ErrorSubject } from '../to-infra-error.js'
import type { RedisClient } from './redis-connection.js'
import type { RedisAddress } from './redis-url.js'

/** A server, as `host:port` or by its parts. */
export type RedisNode = string | Endpoint

/** Which Redis: exactly one of the five ways to say it. */
export type RedisTarget =
  /** `redis://`, `rediss://` (TLS), `redis+cluster://`, `redis+sentinel://` or `unix://`. */
  | { readonly url: string | Secret }
  /** What a section of the configuration gives. */
  | { readonly address: RedisAddress }
  /** Some nodes of a Redis Cluster to begin with; it tells the others. */
  | { readonly cluster: readonly RedisNode[] }
  /** Sentinels, and the name of the master that they watch. */
  | { readonly sentinels: readonly RedisNode[]; readonly name: string }
  /** Your own ioredis client: connected, configured and closed by you. */
  | { readonly client: RedisClient }

/** Who we are to that Redis, and how we speak to it. */
export interface RedisIdentity {
  /** Default: the URL's, else 0. Always 0 on Cluster. */
  readonly db?: number | undefined
  readonly username?: string | undefined
  readonly password?: string | Secret | undefined
  /** `true`, or options of `tls.connect` such as `ca`; `rediss://` means `true`. */
  readonly tls?: boolean | ConnectionOptions | undefined
  /** Credentials for the Sentinels themselves. Default none. */
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: string | Secret | undefined
  /** Whether the Sentinels speak TLS too. Default false. */
  readonly sentinelTls?: boolean | ConnectionOptions | undefined
  /** What to call the settings in messages: the variables that they came from. Default: the names of the options. */
  readonly variables?: Readonly<Partial<RedisVariables>>
}

/** What the settings are called where the user wrote them, such as `CACHE_REDIS_DB`. */
export interface RedisVariables {
  readonly address: string
  readonly db: string
  readonly password: string
}

/** Where a Redis is and who we are there, read and checked. Holds plain passwords: never log it. */
export interface ResolvedTarget {
  readonly place: RedisAddress | { readonly client: RedisClient }
  readonly db: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: ConnectionOptions | undefined
  readonly sentinelUsername: string | undefined
  readonly sentinelPassword: string | undefined
  readonly sentinelTls: ConnectionOptions | undefined
  /** Server and user, without DB and password: the same for everyone who means the same account of the same server. */
  readonly identity: string
  /** For messages, such as `127.0.0.1:6379/0`. */
  readonly target: string
  /** A digest of the passwords, by which two for one identity are noticed. */
  readonly credentials: string
  readonly variables: Readonly<Partial<RedisVariables>>
}

/** What errors about a target are to say. */
export function redisSubject(target: ResolvedTarget, label: string): ErrorSubject {
  return { label, source: 'redis', secrets: secretsOf(target), variables: { ...target.variables } }
}

/** Every literal secret of a target, to keep out of errors and logs. */
function secretsOf({ password, sentinelPassword }: ResolvedTarget): readonly string[] {
  return [password, sentinelPassword].filter((each) => each !== undefined)
}
