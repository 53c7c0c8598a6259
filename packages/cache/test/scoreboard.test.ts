import { redisCommand } from '@plinth/testing'
import { afterAll, expect, it } from 'vitest'
import { faults } from '../bench/scoreboard/faults.js'
import { judge } from '../bench/scoreboard/judge.js'
import { ourContenders } from '../bench/scoreboard/ours.js'
import type { Player } from '../bench/scoreboard/player.js'
import { ClusterStages, redisStage } from '../bench/scoreboard/stages.js'

const clusters = new ClusterStages()
afterAll(() => clusters.close())

/** Nodes of a cluster are met at their own addresses: its silence is its freezing, which is a row of its own. */
const isTwice = (backend: string, fault: string): boolean => backend === 'cluster' && fault.includes('black hole')

for (const contender of ourContenders(clusters)) {
  it.concurrent(`every fault of the scoreboard is stood on ${contender.name}`, { timeout: 120_000 }, async () => {
    const failed: string[] = []
    for (const fault of faults) {
      if (isTwice(contender.name, fault.name)) continue
      if ((await judge(fault, contender)) === 'no') failed.push(fault.name)
    }
    expect(failed).toEqual([])
  })
}

it.concurrent('no fault of the scoreboard is stood by a careless cache', { timeout: 120_000 }, async () => {
  const careless = {
    name: 'careless',
    stage: () => redisStage(async (url, _setup, prefix) => carelessPlayer(url, prefix)),
  }
  const stood: string[] = []
  for (const fault of faults) if ((await judge(fault, careless)) !== 'no') stood.push(fault.name)
  expect(stood).toEqual([])
})

/** Everything that is easily done wrong: no fence, no deadline, texts for values, patterns for keys, the same objects for everybody. */
function carelessPlayer(url: string, prefix: string): Player {
  const { hostname: host, port } = new URL(url)
  const ask = (...command: string[]) => redisCommand({ host, port: Number(port), timeout: 60_000 }, ...command)
  const objects = new Map<string, unknown>()
  const read = async (keyOf: () => Promise<string>, compute: () => unknown): Promise<unknown> => {
    const key = await keyOf()
    const found = await ask('GET', key)
    if (found !== null && found !== '') return objects.get(key) ?? (found === 'true' ? 'yes' : found)
    const value = await compute()
    await ask('SET', await keyOf(), typeof value === 'string' ? value : JSON.stringify(value))
    if (typeof value === 'object' && value !== null) objects.set(key, value)
    return value
  }
  const family = (name: string) => ({
    read: (key: string, compute: () => unknown) =>
      read(async () => `${prefix}:${djb2(name)}:${(await ask('GET', `turn:${name}`)) ?? '0'}:${key}`, compute),
    invalidate: async () => {
      const turns = (await ask('KEYS', `turn:${name}`)) as string[]
      for (const turn of [...turns, `turn:${name}`]) await ask('INCR', turn)
    },
  })
  return {
    read: (key, compute) => read(async () => `${prefix}:${key}`, compute),
    remove: async (key) => {
      for (const found of (await ask('KEYS', `${prefix}:${key}`)) as string[]) await ask('DEL', found)
    },
    clear: () => ask('FLUSHALL'),
    removeMatching: (pattern) => ask('DEL', pattern),
    tagged: family,
    below: family,
    cached:
      (compute) =>
      (...texts) =>
        read(
          async () => `f:${djb2(texts.join(':'))}`,
          () => compute(...texts),
        ),
  }
}

function djb2(text: string): number {
  let hash = 5381
  for (let index = 0; index < text.length; index++) hash = (hash * 33 + text.charCodeAt(index)) | 0
  return hash
}
