import { execFile } from 'node:child_process'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDataDirectory, removeDataDirectory } from './data-directory.js'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import type { Server } from './server.js'
import { onFreePort, openServer, ServerProcess } from './server-process.js'

/** A PostgreSQL server started for a test; its URL names an empty database. */
export type PostgresServer = Server

const execute = promisify(execFile)

/** Starts a PostgreSQL server on a free loopback port; takes about 2 s. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = createDataDirectory('postgres')
  const account = await accountOf(directory)
  const options = ['--username=plinth', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8']
  const [initdb = '', ...initArgs] = account.command(binary('initdb'), ['-D', directory, ...options])
  await execute(initdb, initArgs)
  return onFreePort(
    () => freePort(),
    (port) => launch(port, directory, account),
  )
}

function launch(port: number, directory: string, account: Account): Promise<PostgresServer> {
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off' }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [file = '', ...rest] = account.command(binary('postgres'), ['-D', directory, ...args])
  const isReady = async (): Promise<boolean> => {
    await execute(binary('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)])
    return true
  }
  return openServer({
    url: `postgres://plinth@127.0.0.1:${port}/postgres`,
    port,
    process: new ServerProcess({ name: `postgres on port ${port}`, file, args: rest, isReady }),
    remove: () => removeDataDirectory(directory),
  })
}

/** Who runs the server. */
interface Account {
  /** The program and arguments that run `file` under this account. */
  command(file: string, args: readonly string[]): readonly string[]
}

/** PostgreSQL refuses to run as root: then the account that its package made runs it, and gets the directory. */
async function accountOf(directory: string): Promise<Account> {
  if (process.getuid?.() !== 0) return { command: (file, args) => [file, ...args] }
  const idOf = async (flag: string): Promise<number> => Number((await execute('id', [flag, 'postgres'])).stdout)
  const [uid, gid] = await Promise.all([idOf('-u'), idOf('-g')])
  chownSync(directory, uid, gid)
  const change = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return { command: (file, args) => [requireBinary('setpriv'), ...change, file, ...args] }
}

/** Debian keeps each version in a folder of its own: the newest is taken. */
function binary(name: string): string {
  const versions = '/usr/lib/postgresql'
  const found = existsSync(versions) ? readdirSync(versions).toSorted((a, b) => Number(b) - Number(a)) : []
  return requireBinary(
    name,
    found.map((version) => join(versions, version, 'bin', name)),
  )
}
