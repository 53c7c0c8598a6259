import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { joinWrites } from '../src/index.js'

test('what is written to a socket within one turn is sent in one go, at once, and in order', async () => {
  const sent: string[][] = []
  const socket = new Writable({
    write: (chunk, _encoding, done) => {
      sent.push([String(chunk)])
      done()
    },
    writev: (chunks, done) => {
      sent.push(chunks.map(({ chunk }) => String(chunk)))
      done()
    },
  })
  joinWrites(socket)
  socket.write('a')
  socket.write('b')
  socket.write('c')
  await new Promise<void>((resolve) => process.nextTick(resolve))
  expect(sent).toEqual([['a', 'b', 'c']])
  socket.write('d')
  await new Promise<void>((resolve) => process.nextTick(resolve))
  socket.end('e')
  await new Promise((resolve) => socket.once('finish', resolve))
  expect(sent).toEqual([['a', 'b', 'c'], ['d'], ['e']])
})

test('while the other side has nothing to do, what is written first goes out before the rest of the turn', async () => {
  const sent: string[] = []
  const socket = new Writable({
    write: (chunk, _encoding, done) => {
      sent.push(String(chunk))
      done()
    },
    writev: (chunks, done) => {
      sent.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      done()
    },
  })
  let owed = 0
  joinWrites(socket, () => owed === 0)
  for (const text of ['a', 'b', 'c']) {
    socket.write(text)
    owed += 1
  }
  expect(sent).toEqual(['a'])
  await new Promise<void>((resolve) => process.nextTick(resolve))
  expect(sent).toEqual(['a', 'bc'])
})

test('what is no stream is left alone', () => {
  for (const other of [undefined, null, 'text', {}, { write: () => true }])
    expect(() => joinWrites(other)).not.toThrow()
})
