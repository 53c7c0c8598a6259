import {
  freshPrefix,
  leakCheck,
  sharedMemcached,
  sharedRedis,
  sharedRedisCluster,
  spawnTypescript,
  type TypescriptChild,
} from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChargeOrder, ChargeReport } from '../processes/charge.js'
import { brokenBound } from './every-interval.js'
import { onlyLimit } from './histories.js'

leakCheck()

const PROCESSES = 4
const isLong = process.env.PLINTH_LONG === '1'
const tries = isLong ? 32_000 : 2_000
/** For what has to go on for a while. */
const fewer = isLong ? 32_000 : 800
const worker = new URL('../processes/charge.ts', import.meta.url)

const kinds = [
  { kind: 'redis', address: sharedRedis, algorithms: ['fixed', 'sliding', 'gcra', 'strict'] },
  { kind: 'cluster', address: sharedRedisCluster, algorithms: ['fixed', 'sliding', 'gcra', 'strict'] },
  { kind: 'memcached', address: sharedMemcached, algorithms: ['fixed', 'sliding', 'strict'] },
] as const

describe.each(kinds)('four processes with eight connections each, on $kind', ({ kind, address, algorithms }) => {
  let children: readonly TypescriptChild[]

  beforeAll(async () => {
    const args = [kind, await address(), freshPrefix('race'), await sharedRedis()]
    children = Array.from({ length: PROCESSES }, () => spawnTypescript(worker, args, { receiveTimeout: 500_000 }))
    await Promise.all(children.map((child) => child.receive((message) => message === 'ready')))
  })
  afterAll(() => Promise.all(children.map((child) => child.close())))

  /** Has all processes carry out their part of an order at once. */
  async function together(order: ChargeOrder): Promise<readonly ChargeReport[]> {
    for (const child of children) child.send({ ...order, tries: Math.ceil(order.tries / PROCESSES) })
    return Promise.all(children.map((child) => child.receive<ChargeReport>()))
  }

  test.each(algorithms)('admit exactly the quota of a long window: %s', { timeout: 600_000 }, async (algorithm) => {
    const reports = await together({ limit: `300/45d ${algorithm}`, tries, pauseMs: 0 })
    const count = (of: (report: ChargeReport) => number): number => reports.reduce((sum, one) => sum + of(one), 0)
    expect(count(({ unanswered }) => unanswered)).toBe(0)
    expect(count(({ admitted }) => admitted.length)).toBe(300)
    expect(count(({ refused }) => refused)).toBe(tries - 300)
  })

  test.each(algorithms)(
    'keep the bound in every interval of a short window: %s',
    {
      timeout: 600_000,
    },
    async (algorithm) => {
      const input = `20/400ms ${algorithm}`
      const reports = await together({ limit: input, tries: fewer, pauseMs: isLong ? 8 : 60 })
      const admitted = reports.flatMap((report) => report.admitted)
      expect(admitted.length).toBeGreaterThan(20)
      if (algorithm === 'gcra') expectSteady(admitted)
      else expect(brokenBound(onlyLimit(input), inOrder(admitted))).toBeUndefined()
    },
  )

  // on a single Redis one script decides about both
  test.each(kind === 'redis' ? [] : algorithms)(
    'charge two subjects together, neither beyond its quota: %s',
    {
      timeout: 600_000,
    },
    async (algorithm) => {
      const order = { limit: `200/44d ${algorithm}`, pauseMs: 0, subjects: ['one', 'other'] }
      const reports = await together({ ...order, tries: fewer })
      const admitted = reports.flatMap((report) => report.admitted).length
      expect(reports.map(({ unanswered }) => unanswered)).toEqual(reports.map(() => 0))
      expect(admitted).toBeLessThanOrEqual(200)
      // two that reserve one subject each may refuse one another: what they gave back is there for whoever comes alone
      const [last] = children
      last?.send({ ...order, tries: 201, connections: 1 })
      const rest = (await last?.receive<ChargeReport>())?.admitted.length ?? 0
      expect(admitted + rest).toBe(200)
    },
  )

  test('never hold more slots than there are', { timeout: 600_000 }, async () => {
    const counter = freshPrefix('held')
    const reports = await together({
      limit: 'concurrency 4 lease 10s',
      tries: fewer,
      pauseMs: isLong ? 2 : 10,
      counter,
    })
    const mostHeld = Math.max(...reports.map((report) => report.mostHeld))
    expect(mostHeld).toBeLessThanOrEqual(4)
    expect(mostHeld).toBeGreaterThan(1)
    expect(reports.flatMap((report) => report.admitted).length).toBeGreaterThan(fewer / 50)
  })
})

type Admission = ChargeReport['admitted'][number]

function inOrder(admitted: readonly Admission[]): readonly { readonly at: number; readonly cost: number }[] {
  return admitted.map(({ at }) => ({ at, cost: 1 })).toSorted((a, b) => a.at - b.at)
}

/** `20/400ms gcra` tells not when it charged, so all that surely happened between two moments of ours is counted. */
function expectSteady(admitted: readonly Admission[]): void {
  const byEnd = admitted.toSorted((a, b) => a.received - b.received)
  for (const { sent } of admitted) {
    let within = 0
    for (const one of byEnd) {
      if (one.sent < sent) continue
      within += 1
      expect(within).toBeLessThanOrEqual(20 + (20 * (one.received - sent)) / 400)
    }
  }
}
