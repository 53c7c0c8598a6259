import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createDataDirectory, removeDataDirectory } from './data-directory.js'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import type { Server } from './server.js'
import { onFreePort, openServer, ServerProcess } from './server-process.js'

/** How a RabbitMQ for tests differs from an empty one. */
export interface RabbitmqOptions {
  /** Further lines of rabbitmq.conf, such as `heartbeat = 2`. */
  readonly config?: readonly string[] | undefined
}

/** A RabbitMQ server started for a test, with user and password `guest`. */
export interface RabbitmqServer extends Server {
  /** The address of its management API, such as `http://127.0.0.1:15672`. */
  readonly managementUrl: string
  /** Asks the management API, such as `api('PUT', '/api/vhosts/one')`; gives the parsed answer. Throws unless it is 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
}

/** What stands on the ports next to the one that clients use. */
const offsets = { distribution: 1, names: 2, management: 3 } as const

/**
 * Starts a RabbitMQ server on free loopback ports; takes 6 to 10 s.
 *
 * It has its own home, cookie, node name, data and plugins, and its own Erlang name server: nothing of it is left
 * behind, and nothing of another on the same machine is touched.
 */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  // Debian's wrapper on the PATH drops root and the environment; the server's own script stands beside it.
  const file = requireBinary('rabbitmq-server', ['/usr/lib/rabbitmq/bin/rabbitmq-server'])
  return onFreePort(
    () => freePort(Object.values(offsets)),
    (port) => launchRabbitmq(file, port, options),
  )
}

async function launchRabbitmq(file: string, port: number, options: RabbitmqOptions): Promise<RabbitmqServer> {
  const directory = createDataDirectory('rabbitmq')
  const managementUrl = `http://127.0.0.1:${port + offsets.management}`
  const names = nameServer(port + offsets.names)
  const server = new ServerProcess({
    name: `rabbitmq-server on port ${port}`,
    file,
    args: [],
    env: { ...prepare(directory, port, options), ERL_EPMD_PORT: String(port + offsets.names) },
    isReady: async () => (await fetch(managementUrl)).ok && (await accepts(port)),
    startTimeout: 150_000,
  })
  const both = {
    get pid() {
      return server.pid
    },
    start: async () => {
      await names.start()
      await server.start()
    },
    stop: async () => {
      await server.stop()
      await names.kill()
    },
    kill: async () => {
      await server.kill()
      await names.kill()
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
  }
  const opened = await openServer({
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    process: both,
    remove: () => removeDataDirectory(directory),
  })
  return Object.assign(opened, {
    managementUrl,
    api: (method: string, path: string, body?: unknown) => askManagement(managementUrl, method, path, body),
  })
}

/** Asks the management API at `managementUrl`; gives the parsed answer, or `undefined` when it is empty. */
export async function askManagement(
  managementUrl: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const answer = await fetch(`${managementUrl}${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`RabbitMQ answered ${answer.status} to ${method} ${path}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Erlang's name server, in the foreground: left to itself, RabbitMQ would start one as a daemon that outlives it. */
function nameServer(port: number): ServerProcess {
  return new ServerProcess({
    name: `epmd on port ${port}`,
    file: requireBinary('epmd'),
    args: ['-port', String(port), '-address', '127.0.0.1'],
    isReady: () => accepts(port),
  })
}

function prepare(directory: string, port: number, options: RabbitmqOptions): Record<string, string> {
  const at = (name: string): string => join(directory, name)
  for (const folder of ['mnesia', 'log']) mkdirSync(at(folder))
  writeFileSync(at('enabled_plugins'), '[rabbitmq_management].\n')
  const config = [
    'log.console.level = warning',
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${port + offsets.management}`,
    'management_agent.disable_metrics_collector = true',
    'disk_free_limit.absolute = 50MB',
    ...(options.config ?? []),
  ]
  writeFileSync(at('rabbitmq.conf'), `${config.join('\n')}\n`)
  return {
    HOME: directory,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `plinth-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(port + offsets.distribution),
    RABBITMQ_MNESIA_BASE: at('mnesia'),
    RABBITMQ_LOG_BASE: at('log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
    RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2',
    // Makes the script become the server instead of its parent, so that the pid we own is the one that serves.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
