import { leakCheck, type MemcachedOptions, type MemcachedServer, startMemcached, tcpProxy } from '@plinth/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { classifyFault } from '../../src/faults/classify-fault.js'
import { memcachedFaults } from '../../src/faults/memcached-faults.js'
import { MemcachedStatusError } from '../../src/memcached/memcached-errors.js'
import { MemcachedLink } from '../../src/memcached/memcached-link.js'
import { counterExtras, Opcode, storeExtras } from '../../src/memcached/memcached-wire.js'

leakCheck()

async function fresh(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const server = await startMemcached(options)
  onTestFinished(() => server.close())
  return server
}

async function link(
  { host, port }: { readonly host: string; readonly port: number },
  sasl: { readonly username?: string; readonly password?: string } = {},
): Promise<MemcachedLink> {
  const { username, password } = sasl
  const server = { host, port, username, password }
  const own = await MemcachedLink.connect(server, { timeoutMs: 500, onDead: () => {} })
  onTestFinished(() => own.destroy(new Error('over')))
  return own
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  )

const store = (value: Buffer, key = 'k') => ({ opcode: Opcode.set, key, value, extras: storeExtras(0) })
const sasl = { username: 'ada', password: 'right' }

const produced: Readonly<Record<string, () => Promise<unknown>>> = {
  'memcached/authentication': async () => caught(link(await fresh({ sasl }), { username: 'ada', password: 'wrong' })),
  'memcached/authentication is missing': async () => {
    const own = await link(await fresh({ sasl }))
    return caught(own.send({ opcode: Opcode.get, key: 'a' }))
  },
  'memcached/unknown-command': async () => caught((await link(await fresh())).send({ opcode: 0x55 })),
  'memcached/too-large': async () => caught((await link(await fresh())).send(store(Buffer.alloc(1024 * 1024)))),
  'memcached/not-a-counter': async () => {
    const own = await link(await fresh())
    await own.send(store(Buffer.from('word')))
    return caught(own.send({ opcode: Opcode.increment, key: 'k', extras: counterExtras(1, 0, 0) }))
  },
  'memcached/out-of-memory': async () => {
    const own = await link(await fresh({ memoryMb: 2, args: ['-M'] }))
    for (let index = 0; index < 200; index += 1) {
      const answer = await caught(own.send(store(Buffer.alloc(100_000), `k${index}`)))
      if (answer !== 'no error') return answer
    }
    return 'never full'
  },
  'network/lost when the server dies': async () => {
    const server = await fresh()
    const own = await link(server)
    await server.freeze()
    const pending = caught(own.send({ opcode: Opcode.get, key: 'a' }))
    await server.kill()
    return pending
  },
  'network/timeout of a silent server': async () => {
    const proxy = await tcpProxy(await fresh({ sasl }))
    onTestFinished(() => proxy.close())
    await proxy.blackHole()
    return caught(link(proxy, sasl))
  },
}

/** Statuses of the protocol that nothing on this machine brings about. */
const recorded: Readonly<Record<string, unknown>> = {
  'memcached/invalid-arguments': new MemcachedStatusError(0x04),
  'memcached/internal': new MemcachedStatusError(0x84),
  'memcached/timeout': new Error('socket timed out waiting on response.'),
}

describe('what Memcached and memjs say is sorted by the line of the table that is about it', () => {
  test.each(Object.entries(produced))('%s', async (name, produce) => {
    const error = await produce()
    expect(classifyFault(error, 'memcached').rule?.id, String(error)).toBe(name.split(' ')[0])
  })

  test.each(Object.entries(recorded))('%s (recorded)', (id, error) => {
    expect(classifyFault(error, 'memcached').rule?.id).toBe(id)
  })

  test('no line about Memcached is without such a proof', () => {
    const own = memcachedFaults.map(({ id }) => id).filter((id) => id.startsWith('memcached/'))
    const proven = [...Object.keys(produced), ...Object.keys(recorded)].map((name) => name.split(' ')[0])
    expect(own.filter((id) => !proven.includes(id))).toEqual([])
  })
})
