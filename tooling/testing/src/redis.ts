import { join } from 'node:path'
import { createDataDirectory, removeDataDirectory } from './data-directory.js'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import { type RedisAddress, type RedisReply, RedisReplyError, redisCommand } from './redis-command.js'
import { createSelfSignedCertificate, type SelfSignedCertificate } from './self-signed-certificate.js'
import type { Server } from './server.js'
import { onFreePort, openServer, ServerProcess } from './server-process.js'

/** How a Redis for tests differs from an empty one without persistence. */
export interface RedisOptions {
  /** Asked from every client, as `requirepass`. Default: none. */
  readonly password?: string | undefined
  /** The server to copy from. */
  readonly replicaOf?:
    | { readonly host: string; readonly port: number; readonly password?: string | undefined }
    | undefined
  /** Most clients at a time. */
  readonly maxclients?: number | undefined
  /** Writes every change to disk before it answers, so that a kill loses nothing. Default: false. */
  readonly aof?: boolean | undefined
  /** Listens on a Unix socket too; its path is {@link RedisServer.socketPath}. Default: false. */
  readonly unixSocket?: boolean | undefined
  /** Speaks TLS only, with a certificate made for this server. Default: false. */
  readonly tls?: boolean | undefined
  /** Further lines of redis.conf, such as `maxmemory 1mb`. */
  readonly config?: readonly string[] | undefined
}

/** A Redis server started for a test. */
export interface RedisServer extends Server {
  /** The path of its Unix socket, when asked for. */
  readonly socketPath: string | undefined
  /** The authority that its TLS certificate is checked with, as PEM text, when TLS was asked for. */
  readonly ca: string | undefined
  /** Sends one command past every client library, such as `command('INFO', 'commandstats')`. */
  command(...command: readonly (string | number)[]): Promise<RedisReply>
}

/** Starts a Redis server on a free loopback port; takes about 30 ms. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const file = requireBinary('redis-server')
  return onFreePort(
    () => freePort(),
    (port) => launch({ file, port, options, extraArgs: [] }),
  )
}

/** What {@link launch} is told by the starters of single servers, clusters and sentinels. */
export interface RedisLaunch {
  readonly file: string
  readonly port: number
  readonly options: RedisOptions
  readonly extraArgs: readonly string[]
  /** A configuration file that the server itself rewrites; a sentinel needs one. */
  readonly configFile?: ((directory: string) => string) | undefined
}

/** Starts one redis-server process on `port`. Throws `AddressInUseError` when the port was taken. */
export async function launch({ file, port, options, extraArgs, configFile }: RedisLaunch): Promise<RedisServer> {
  const directory = createDataDirectory('redis')
  const certificate = options.tls ? await createSelfSignedCertificate(directory) : undefined
  const socketPath = options.unixSocket ? join(directory, 'redis.sock') : undefined
  const address: RedisAddress = {
    host: '127.0.0.1',
    port,
    password: options.password,
    tls: certificate && { ca: certificate.ca },
    timeout: 2_000,
  }
  const serverProcess = new ServerProcess({
    name: `redis-server on port ${port}`,
    file,
    args: [
      ...(configFile ? [configFile(directory)] : []),
      ...redisArgs({ port, directory, socketPath, certificate, options }),
      ...extraArgs,
    ],
    isReady: () => answersPing(address),
  })
  const credentials = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  const server = await openServer({
    url: `${certificate ? 'rediss' : 'redis'}://${credentials}127.0.0.1:${port}`,
    port,
    process: serverProcess,
    remove: () => removeDataDirectory(directory),
  })
  return Object.assign(server, {
    socketPath,
    ca: certificate?.ca,
    command: (...command: readonly (string | number)[]) => redisCommand({ ...address, timeout: 5_000 }, ...command),
  })
}

interface RedisArgs {
  readonly port: number
  readonly directory: string
  readonly socketPath: string | undefined
  readonly certificate: SelfSignedCertificate | undefined
  readonly options: RedisOptions
}

function redisArgs({ port, directory, socketPath, certificate, options }: RedisArgs): string[] {
  const args = ['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--databases', '16', '--loglevel', 'warning']
  // A master waits for more replicas to come before it copies to the first: 5 s, unless told not to.
  args.push('--repl-diskless-sync-delay', '0')
  if (certificate) {
    args.push('--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no')
    args.push('--tls-cert-file', certificate.certFile, '--tls-key-file', certificate.keyFile)
    args.push('--tls-ca-cert-file', certificate.certFile)
  } else {
    args.push('--port', String(port))
  }
  if (socketPath) args.push('--unixsocket', socketPath)
  if (options.password !== undefined) args.push('--requirepass', options.password)
  if (options.maxclients !== undefined) args.push('--maxclients', String(options.maxclients))
  if (options.aof) args.push('--appendonly', 'yes', '--appendfsync', 'always')
  if (options.replicaOf) {
    const { host, port: masterPort, password } = options.replicaOf
    args.push('--replicaof', host, String(masterPort))
    if (password !== undefined) args.push('--masterauth', password)
  }
  for (const line of options.config ?? []) {
    const [directive = '', ...values] = line.split(' ')
    args.push(`--${directive}`, ...values)
  }
  return args
}

/** Ready once it answers at all: a replica that still copies and a server that is full answer with an error. */
async function answersPing(address: RedisAddress): Promise<boolean> {
  try {
    await redisCommand(address, 'PING')
    return true
  } catch (error) {
    return error instanceof RedisReplyError && !error.message.startsWith('LOADING')
  }
}
