import { expect, test } from 'vitest'
import type { ComparisonRow } from '../src/measure.js'
import { describeRows } from '../src/report.js'

const row: ComparisonRow = {
  scenario: 'cache: hit',
  peer: 'one',
  ops: 10,
  pairs: 5,
  oursPerSecond: 1_234_567.8,
  peerPerSecond: 1_000,
  ratio: { median: 2, min: 1.5, max: 2.5 },
}

test('the table names every row, also those that we lose', () => {
  const rows = [
    row,
    { ...row, peer: 'another', ratio: { median: 0.5, min: 0.4, max: 0.9 } },
    { ...row, peer: 'third', ratio: { median: 1.01, min: 0.9, max: 1.1 } },
  ]
  expect(describeRows(rows).split('\n')).toEqual([
    'scenario    peer     plinth op/s  peer op/s  times as fast (min to max)',
    'cache: hit  one        1,234,568      1,000         2.00 (1.50 to 2.50)  faster',
    'cache: hit  another    1,234,568      1,000         0.50 (0.40 to 0.90)  SLOWER',
    'cache: hit  third      1,234,568      1,000         1.01 (0.90 to 1.10)  even',
  ])
})

test('counters stand below the table', () => {
  const lines = describeRows([{ ...row, oursCounts: { evalsha: 1 }, peerCounts: { get: 2, set: 0.5 } }]).split('\n')
  expect(lines.slice(2)).toEqual([
    '  cache: hit, plinth, for one op: evalsha 1',
    '  cache: hit, one, for one op: get 2, set 0.5',
  ])
})

test('a target stands beside the figure, met or not, and decides by the median', () => {
  const ratio = { median: 1.05, min: 1.01, max: 1.2 }
  expect(describeRows([{ ...row, ratio, target: 1 }])).toMatch(/faster, target 1: met$/)
  expect(describeRows([{ ...row, ratio, target: 1.1 }])).toMatch(/faster, target 1.1: NOT MET$/)
})
