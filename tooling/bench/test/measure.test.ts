import { expect, test } from 'vitest'
import type { Contestant } from '../src/contestant.js'
import { measure } from '../src/measure.js'

/** Contestants that turn a clock by hand: what a round takes is known, so every figure can be. */
function handTurned(): {
  now: () => number
  order: string[]
  contestant: (name: string, rounds: number[]) => Contestant
} {
  let time = 0
  const order: string[] = []
  return {
    now: () => time,
    order,
    contestant: (name, rounds) => ({
      run: (ops) => {
        order.push(name)
        time += (rounds.shift() ?? 1) * ops
      },
    }),
  }
}

test('the sides alternate, after a warm-up, and the first pair does not count', async () => {
  const { now, order, contestant } = handTurned()
  const ours = contestant('a', [9, 100, 1, 1, 1, 1, 1])
  const peer = contestant('b', [9, 1, 2, 3, 4, 5, 6])
  const [row] = await measure({ name: 'x', ours, peers: { b: peer }, ops: 10, pairs: 5 }, now)
  expect(order.join('')).toBe('ab'.repeat(7))
  expect(row).toEqual({
    scenario: 'x',
    peer: 'b',
    ops: 10,
    pairs: 5,
    oursPerSecond: 1_000,
    peerPerSecond: 250,
    ratio: { median: 4, min: 2, max: 6 },
  })
})

test('each peer is a row, slower ones and faster ones', async () => {
  const { now, contestant } = handTurned()
  const comparison = {
    name: 'x',
    ours: () => contestant('a', [2, 2, 2, 2, 2, 2, 2]),
    peers: {
      fast: () => contestant('b', []),
      slow: () => contestant('c', [4, 4, 4, 4, 4, 4, 4]),
    },
    ops: 1,
  }
  const rows = await measure(comparison, now)
  expect(rows.map(({ peer, ratio }) => [peer, ratio.median])).toEqual([
    ['fast', 0.5],
    ['slow', 2],
  ])
})

test('counters are shown for one operation, without the warm-up', async () => {
  let calls = 0
  const ours: Contestant = {
    run: (ops) => {
      calls += 3 * ops
    },
    counts: async () => ({ calls, idle: 7 }),
  }
  const [row] = await measure({ name: 'x', ours, peers: { b: { run: () => {} } }, ops: 10 })
  expect(row?.oursCounts).toEqual({ calls: 3 })
  expect(row?.peerCounts).toBeUndefined()
})

test('both sides are closed, also when one fails', async () => {
  const closed: string[] = []
  const ours: Contestant = { run: () => {}, close: () => void closed.push('a') }
  const peer: Contestant = {
    run: () => {
      throw new Error('broken')
    },
    close: () => void closed.push('b'),
  }
  await expect(measure({ name: 'x', ours, peers: { b: peer }, ops: 1 })).rejects.toThrow('broken')
  expect(closed).toEqual(['b', 'a'])
})
