import { type Contestant, type Counts, commandCounts } from '@plinth/bench'
import { openRedis } from '@plinth/core/redis'
import { type RedisServer, startRedis } from '@plinth/testing'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter } from '../src/index.js'
import type { Charge, Peer } from './peers.js'

/** Calls a limiter so many times. */
export type Load = (charge: Charge, ops: number) => Promise<void>

/** A peer on a server of its own. */
export async function peerOn(make: (url: string) => Peer, load: Load): Promise<Contestant> {
  const server = await startRedis()
  const { charge, close } = make(server.url)
  const end = async (): Promise<void> => {
    close()
    await server.close()
  }
  return contestant(server, charge, load, end)
}

/** Our limiter with one policy, on a server of its own. It refuses to measure what its server did not decide. */
export async function oursOn(limits: readonly string[], load: Load): Promise<Contestant> {
  const server = await startRedis()
  const connection = await openRedis({ url: server.url })
  const limiter = createRateLimiter({
    backend: redisBackend(connection),
    policies: { api: { limits } },
    onOutage: 'closed',
    deadline: '10s',
  })
  const charge: Charge = async (key) => {
    const decision = await limiter.check('api', key)
    if (decision.degraded) throw new Error('The server did not decide.')
    return decision.allowed
  }
  const close = async (): Promise<void> => {
    await limiter.close()
    await connection.close()
    await server.close()
  }
  return contestant(server, charge, load, close)
}

function contestant(server: RedisServer, charge: Charge, load: Load, close: () => Promise<void>): Contestant {
  const commands = commandCounts(server)
  let processorTime = 0
  const run = async (ops: number): Promise<void> => {
    const before = process.cpuUsage()
    await load(charge, ops)
    const { user, system } = process.cpuUsage(before)
    processorTime += user + system
  }
  const counts = async (): Promise<Counts> => ({
    ...(await commands()),
    'µs of processor in node': processorTime,
    'µs of processor in redis': await processorTimeOf(server),
  })
  return { run, counts, close }
}

/** Microseconds of processor time that a server has used: quieter than the clock where others use the machine too. */
async function processorTimeOf(server: RedisServer): Promise<number> {
  const info = String(await server.command('INFO', 'cpu'))
  const times = [...info.matchAll(/^used_cpu_(?:user|sys):(?<seconds>[\d.]+)/gm)]
  return times.reduce((sum, { groups }) => sum + Number(groups?.seconds) * 1e6, 0)
}
