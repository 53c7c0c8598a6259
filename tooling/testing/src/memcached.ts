import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createDataDirectory, removeDataDirectory } from './data-directory.js'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import { type SaslCredentials, startSaslauthd } from './saslauthd.js'
import type { Server } from './server.js'
import { onFreePort, openServer, ServerProcess } from './server-process.js'

/** How a Memcached for tests differs from an empty one of 64 MB. */
export interface MemcachedOptions {
  /** Memory for values, in megabytes. Default: 64. */
  readonly memoryMb?: number | undefined
  /** Most clients at a time. */
  readonly maxConnections?: number | undefined
  /** Asks clients for this user and password by SASL; it then speaks the binary protocol only. Default: asks for nothing. */
  readonly sasl?: SaslCredentials | undefined
  /** Further command line arguments, such as `-I 4m`. */
  readonly args?: readonly string[] | undefined
}

/** A Memcached server started for a test. Its `url` is `127.0.0.1:PORT`, as Memcached clients take it. Its data die with it. */
export type MemcachedServer = Server

/** Starts a Memcached server on a free loopback port; takes about 20 ms. */
export async function startMemcached(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const file = requireBinary('memcached')
  return onFreePort(
    () => freePort(),
    (port) => launchMemcached(file, port, options),
  )
}

async function launchMemcached(file: string, port: number, options: MemcachedOptions): Promise<MemcachedServer> {
  const { memoryMb = 64, maxConnections, sasl, args = [] } = options
  const users = sasl && (await startSasl(sasl))
  const server = new ServerProcess({
    name: `memcached on port ${port}`,
    file,
    args: [
      ...['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', String(memoryMb), '-t', '1'],
      ...(maxConnections === undefined ? [] : ['-c', String(maxConnections)]),
      ...(users ? ['-S'] : []),
      ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
      ...args,
    ],
    ...(users && { env: { SASL_CONF_PATH: users.directory } }),
    isReady: () => answersVersion(port, users ? binaryVersion : 'version\r\n'),
  })
  return openServer({ url: `127.0.0.1:${port}`, port, process: server, ...(users && { remove: users.remove }) })
}

/** The request for the version in the binary protocol: a header and nothing more. */
const binaryVersion = Buffer.concat([Buffer.from([0x80, 0x0b]), Buffer.alloc(22)])

async function startSasl(credentials: SaslCredentials): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = createDataDirectory('sasl')
  const path = join(directory, 'mux')
  const lines = ['mech_list: plain', 'pwcheck_method: saslauthd', `saslauthd_path: ${path}`]
  writeFileSync(join(directory, 'memcached.conf'), `${lines.join('\n')}\n`)
  const saslauthd = await startSaslauthd(path, credentials)
  const remove = async (): Promise<void> => {
    await saslauthd.close()
    removeDataDirectory(directory)
  }
  return { directory, remove }
}

function answersVersion(port: number, request: string | Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('data', () => {
      resolve(true)
      socket.destroy()
    })
    socket.write(request)
  })
}
