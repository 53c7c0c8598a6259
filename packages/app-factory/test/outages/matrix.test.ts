import { expect, test } from 'vitest'
import { SECRET } from './backend-rig.js'
import { FAULTS, matrix } from './faults.js'
import { Sinks } from './sinks.js'

test('every fault is met by every backend, or there is a reason why it cannot be', () => {
  const absent = Object.entries(matrix).flatMap(([backend, { cells }]) =>
    FAULTS.flatMap((fault) => {
      const cell = cells[fault]
      return 'absent' in cell ? [`${backend}, ${fault}: ${cell.absent}`] : []
    }),
  )
  expect(absent).toEqual([
    'Memcached, loading its data: Memcached keeps nothing on disk: it serves as soon as it listens.',
    'Memcached, a read-only replica after a failover: Memcached has no replicas; each server takes writes.',
    'Memcached, database 99: Memcached has no databases, and the factory no variable for one.',
  ])
})

test.each([
  ['a command of a client', { err: Object.assign(new Error('no'), { command: { args: ['AUTH', SECRET] } }) }],
  ['a cause', new Error('no', { cause: new Error(SECRET) })],
  ['a hidden property', Object.defineProperty({}, 'password', { value: SECRET })],
  ['what only JSON shows', { toJSON: () => SECRET }],
])('a password in %s is found', (_, value) => {
  const sinks = new Sinks(SECRET)
  sinks.look('log', value)
  expect(sinks.leaks).not.toEqual([])
})
