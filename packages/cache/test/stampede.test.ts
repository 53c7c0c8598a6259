import {
  freshPrefix,
  redisCommand,
  sharedMemcached,
  sharedRedis,
  sharedRedisCluster,
  spawnTypescript,
  type TypescriptChild,
} from '@plinth/testing'
import { describe, expect, it } from 'vitest'

const isLong = process.env.PLINTH_LONG === '1'
const processes = isLong ? 8 : 3
const callers = isLong ? 200 : 50
const worker = new URL('./processes/stampede.ts', import.meta.url)

async function start(
  kind: string,
  address: string,
  loadMs: number,
): Promise<{ children: TypescriptChild[]; computed(): Promise<string[]> }> {
  const databaseUrl = await sharedRedis()
  const prefix = freshPrefix('stampede')
  const args = [kind, address, databaseUrl, prefix, String(callers), String(loadMs)]
  const children = Array.from({ length: processes }, () => spawnTypescript(worker, args, { receiveTimeout: 60_000 }))
  await Promise.all(children.map((child) => child.receive()))
  const { hostname: host, port } = new URL(databaseUrl)
  const computed = async () =>
    (await redisCommand(
      { host, port: Number(port), timeout: 2_000 },
      'LRANGE',
      `${prefix}:computed`,
      0,
      -1,
    )) as string[]
  return { children, computed }
}

const backends = {
  redis: sharedRedis,
  cluster: sharedRedisCluster,
  memcached: sharedMemcached,
  tiered: sharedRedis,
}

describe('many callers in several processes', () => {
  for (const [kind, address] of Object.entries(backends)) {
    it(`compute a cold key once, and once more when it has expired, on ${kind}`, { timeout: 120_000 }, async () => {
      const { children, computed } = await start(kind, await address(), 150)
      const ask = async (): Promise<void> => {
        for (const child of children) child.send(4_000)
        const answers = await Promise.all(children.map((child) => child.receive<{ values: string[] }>()))
        expect(answers.every(({ values }) => values.length === 1 && values[0] === 'value')).toBe(true)
      }
      await ask()
      expect(await computed()).toHaveLength(1)
      await new Promise((resolve) => setTimeout(resolve, 4_300))
      await ask()
      expect(await computed()).toHaveLength(2)
      if (isLong)
        console.log(`stampede on ${kind}: ${processes} x ${callers} callers, ${(await computed()).length} computations`)
    })

    if (!isLong && (kind === 'cluster' || kind === 'tiered')) continue // they keep leases as the others do
    it(`replace a leader that was killed, on ${kind}`, { timeout: 120_000 }, async () => {
      const { children, computed } = await start(kind, await address(), 400)
      const [leader, ...others] = children
      leader?.send(60_000)
      while ((await computed()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      leader?.signal('SIGKILL')
      const killedAt = Date.now()
      for (const child of others) child.send(60_000)
      await Promise.all(others.map((child) => child.receive()))
      const [, second = '', ...more] = await computed()
      expect(more).toEqual([])
      const afterMs = Number(second) - killedAt
      if (isLong) {
        console.log(`a leader on ${kind} was replaced after ${afterMs} ms`)
        expect(afterMs).toBeLessThan(2_000)
      }
    })
  }
})
