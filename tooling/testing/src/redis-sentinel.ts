import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import { launch, type RedisServer, startRedis } from './redis.js'
import { onFreePort } from './server-process.js'
import { untilAll } from './until-all.js'

/** A master and a replica watched by three sentinels, which make the replica the master when the master dies. */
export interface RedisSentinels extends AsyncDisposable {
  /** The name that clients ask the sentinels for. */
  readonly name: string
  /** Where the sentinels listen, as ioredis takes them. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly sentinels: readonly RedisServer[]
  /** The server that was master at the start. */
  readonly master: RedisServer
  readonly replica: RedisServer
  /** The port of the server that the sentinels call master now. */
  masterPort(): Promise<number>
  close(): Promise<void>
}

const name = 'plinth'

/** Starts a Redis master, its replica and three sentinels that take a silent master for dead after half a second. */
export async function startRedisSentinel(): Promise<RedisSentinels> {
  const started: RedisServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()))
  }
  const own = (server: RedisServer): RedisServer => {
    started.push(server)
    return server
  }
  try {
    const master = own(await startRedis())
    const replica = own(await startRedis({ replicaOf: master }))
    await untilAll([replica], async () =>
      String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    )
    const sentinels: RedisServer[] = []
    for (let count = 0; count < 3; count++) sentinels.push(own(await startSentinel(master.port)))
    await untilAll(sentinels, knowsAll)
    return {
      name,
      addresses: sentinels.map(({ host, port }) => ({ host, port })),
      sentinels,
      master,
      replica,
      masterPort: () => masterPort(sentinels),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function startSentinel(masterPort: number): Promise<RedisServer> {
  const lines = [
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  const configFile = (directory: string): string => {
    const path = join(directory, 'sentinel.conf')
    writeFileSync(path, `${lines.join('\n')}\n`)
    return path
  }
  return onFreePort(
    () => freePort(),
    (port) => launch({ file: requireBinary('redis-server'), port, options: {}, extraArgs: ['--sentinel'], configFile }),
  )
}

async function knowsAll(sentinel: RedisServer): Promise<boolean> {
  const info = String(await sentinel.command('INFO', 'sentinel'))
  return info.includes('status=ok') && info.includes('slaves=1,sentinels=3')
}

async function masterPort(sentinels: readonly RedisServer[]): Promise<number> {
  for (const sentinel of sentinels) {
    const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name).catch(() => undefined)
    if (Array.isArray(address)) return Number(address[1])
  }
  throw new Error('No sentinel answers.')
}
