import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { leakCheck, startMemcached } from '../src/index.js'

leakCheck()

function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(500, () => socket.destroy(new Error('no answer')))
    socket.once('error', reject)
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.write(line)
  })
}

test('a Memcached server answers, freezes, dies and starts again on its port', async () => {
  await using memcached = await startMemcached()
  expect(memcached.url).toBe(`127.0.0.1:${memcached.port}`)
  expect(await ask(memcached.port, 'set a 0 0 1\r\n1\r\n')).toBe('STORED\r\n')
  await memcached.freeze()
  await expect(ask(memcached.port, 'get a\r\n')).rejects.toThrow('no answer')
  await memcached.thaw()
  expect(await ask(memcached.port, 'get a\r\n')).toContain('VALUE a')
  await memcached.kill()
  await expect(ask(memcached.port, 'get a\r\n')).rejects.toThrow('ECONNREFUSED')
  await memcached.restart()
  expect(await ask(memcached.port, 'get a\r\n')).toBe('END\r\n')
})
