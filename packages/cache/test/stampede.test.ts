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
import type { Wish } from './processes/stampede.js'

const isLong = process.env.PLINTH_LONG === '1'
const processes = isLong ? 8 : 3
const callers = isLong ? 200 : 50
const keys = Array.from({ length: isLong ? 20 : 2 }, (_, index) => `cold:${index}`)
/** Longer than a crowd needs for one key on a busy machine. */
const ttl = isLong ? 15_000 : 4_000
const worker = new URL('./processes/stampede.ts', import.meta.url)

interface Crowd {
  readonly children: TypescriptChild[]
  /** When the key was computed, each time, in milliseconds since the epoch. */
  computed(key: string): Promise<number[]>
}

async function gather(kind: string, address: string): Promise<Crowd> {
  const databaseUrl = await sharedRedis()
  const prefix = freshPrefix('stampede')
  const args = [kind, address, databaseUrl, prefix, String(callers)]
  const children = Array.from({ length: processes }, () => spawnTypescript(worker, args, { receiveTimeout: 60_000 }))
  await Promise.all(children.map((child) => child.receive()))
  const { hostname: host, port } = new URL(databaseUrl)
  const server = { host, port: Number(port), timeout: 20_000 }
  const computed = async (key: string): Promise<number[]> =>
    ((await redisCommand(server, 'LRANGE', `${prefix}:computed:${key}`, 0, -1)) as string[]).map(Number)
  return { children, computed }
}

async function askAll(children: readonly TypescriptChild[], wish: Wish): Promise<string[]> {
  for (const child of children) child.send(wish)
  const answers = await Promise.all(children.map((child) => child.receive<{ values: string[] }>()))
  return [...new Set(answers.flatMap(({ values }) => values))]
}

const backends = {
  redis: sharedRedis,
  cluster: sharedRedisCluster,
  memcached: sharedMemcached,
  tiered: sharedRedis,
  'tiered-cluster': sharedRedisCluster,
}

describe('many callers in several processes', () => {
  for (const [kind, address] of Object.entries(backends)) {
    it(`compute a cold key once, once more when it has expired, and again when who computes is killed, on ${kind}`, {
      timeout: 400_000,
    }, async () => {
      const { children, computed } = await gather(kind, await address())
      for (const times of [1, 2]) {
        const counts: number[] = []
        for (const key of keys) {
          expect(await askAll(children, { key, ttl, loadMs: 150 })).toEqual(['value'])
          counts.push((await computed(key)).length)
        }
        if (isLong)
          console.log(`stampede on ${kind}: ${processes} x ${callers} callers, computed ${counts.join(' ')} times`)
        expect(counts).toEqual(keys.map(() => times))
        await new Promise((resolve) => setTimeout(resolve, times === 1 ? ttl + 300 : 0))
      }

      for (const key of isLong ? ['killed:1', 'killed:2', 'killed:3', 'killed:4', 'killed:5'] : ['killed:1']) {
        const leader = children.shift()
        leader?.send({ key, ttl: 60_000, loadMs: 60_000 })
        while ((await computed(key)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        leader?.signal('SIGKILL')
        const killedAt = Date.now()
        expect(await askAll(children, { key, ttl: 60_000, loadMs: 150 })).toEqual(['value'])
        const [, second = 0, ...more] = await computed(key)
        expect(second).toBeGreaterThan(0)
        expect(more).toEqual([])
        if (!isLong) continue
        console.log(`a leader on ${kind} was replaced after ${second - killedAt} ms`)
        expect(second - killedAt).toBeLessThan(2_000)
      }
    })
  }
})
