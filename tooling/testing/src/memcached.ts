import { connect } from 'node:net'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import type { Server } from './server.js'
import { onFreePort, openServer, ServerProcess } from './server-process.js'

/** How a Memcached for tests differs from an empty one of 64 MB. */
export interface MemcachedOptions {
  /** Memory for values, in megabytes. Default: 64. */
  readonly memoryMb?: number | undefined
  /** Most clients at a time. */
  readonly maxConnections?: number | undefined
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

function launchMemcached(file: string, port: number, options: MemcachedOptions): Promise<MemcachedServer> {
  const { memoryMb = 64, maxConnections, args = [] } = options
  const server = new ServerProcess({
    name: `memcached on port ${port}`,
    file,
    args: [
      ...['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', String(memoryMb), '-t', '1'],
      ...(maxConnections === undefined ? [] : ['-c', String(maxConnections)]),
      ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
      ...args,
    ],
    isReady: () => answersVersion(port),
  })
  return openServer({ url: `127.0.0.1:${port}`, port, process: server })
}

function answersVersion(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('data', () => {
      resolve(true)
      socket.destroy()
    })
    socket.write('version\r\n')
  })
}
