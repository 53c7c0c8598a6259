import { connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import {
  closeWithFile,
  freshPrefix,
  inTime,
  leakCheck,
  type MemcachedServer,
  sharedMemcached,
  startMemcached,
  tcpProxy,
} from '@plinth/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MisconfiguredError } from '../../src/infra-error.js'
import {
  type MemcachedConnection,
  MemcachedValueTooLargeError,
  type OpenMemcachedOptions,
  openMemcached,
} from '../../src/memcached/index.js'
import { MemcachedLink } from '../../src/memcached/memcached-link.js'
import { Opcode } from '../../src/memcached/memcached-wire.js'

leakCheck()

type Opened = ReturnType<typeof openMemcached>

async function open(servers: string, options: Omit<OpenMemcachedOptions, 'servers'> = {}): Promise<Opened> {
  const memcached = openMemcached({ servers, ...options })
  onTestFinished(() => memcached.close())
  await memcached.whenReady()
  return memcached
}

async function freshMemcached(options: Parameters<typeof startMemcached>[0] = {}): Promise<MemcachedServer> {
  const server = await startMemcached(options)
  closeWithFile(() => server.close())
  return server
}

describe('a connection to Memcached', () => {
  const withKey = async (run: (memcached: MemcachedConnection, key: string) => Promise<void>): Promise<void> => {
    await run(await open(await sharedMemcached()), freshPrefix())
  }

  test('gives back the bytes that were stored, and nothing for what was not', () =>
    withKey(async (memcached, key) => {
      const bytes = Buffer.from([0, 1, 255, 13, 10])
      await memcached.set(key, bytes, 10_000)
      await expect(memcached.get(key)).resolves.toEqual(bytes)
      await memcached.set(key, new Uint8Array(bytes).subarray(1, 3), 10_000)
      await expect(memcached.get(key)).resolves.toEqual(Buffer.from([1, 255]))
      await memcached.set(key, '', 10_000)
      await expect(memcached.get(key)).resolves.toEqual(Buffer.alloc(0))
      await expect(memcached.get(`${key}:other`)).resolves.toBeUndefined()
    }))

  test('adds only what is absent, replaces only what is present, deletes once', () =>
    withKey(async (memcached, key) => {
      await expect(memcached.replace(key, 'a', 10_000)).resolves.toBe(false)
      await expect(memcached.add(key, 'a', 10_000)).resolves.toBe(true)
      await expect(memcached.add(key, 'b', 10_000)).resolves.toBe(false)
      await expect(memcached.replace(key, 'c', 10_000)).resolves.toBe(true)
      await expect(memcached.get(key)).resolves.toEqual(Buffer.from('c'))
      await expect(memcached.delete(key)).resolves.toBe(true)
      await expect(memcached.delete(key)).resolves.toBe(false)
    }))

  test('writes over a version only when nobody wrote in between', () =>
    withKey(async (memcached, key) => {
      await memcached.set(key, 'a', 10_000)
      const read = await memcached.getVersioned(key)
      if (read === undefined) throw new Error('missing')
      const { version } = read
      await expect(memcached.replaceVersion(key, { value: 'b', ttlMs: 10_000, version })).resolves.toBe(true)
      await expect(memcached.replaceVersion(key, { value: 'c', ttlMs: 10_000, version })).resolves.toBe(false)
      await expect(memcached.deleteVersion(key, version)).resolves.toBe(false)
      const newer = await memcached.getVersioned(key)
      expect(newer?.value).toEqual(Buffer.from('b'))
      await expect(memcached.deleteVersion(key, newer?.version ?? version)).resolves.toBe(true)
      await expect(memcached.replaceVersion(key, { value: 'd', ttlMs: 10_000, version })).resolves.toBe(false)
      await expect(memcached.getVersioned(key)).resolves.toBeUndefined()
    }))

  test('counts in one step, from the given start, beyond 2^32, and never below nothing', () =>
    withKey(async (memcached, key) => {
      await expect(memcached.incrementExisting(key, 1)).resolves.toBeUndefined()
      await expect(memcached.get(key)).resolves.toBeUndefined()
      await expect(memcached.increment(key, 5, { initial: 2 ** 40 + 1, ttlMs: 60_000 })).resolves.toBe(2 ** 40 + 1)
      await expect(memcached.increment(key, 2 ** 35, { initial: 0, ttlMs: 60_000 })).resolves.toBe(
        2 ** 40 + 1 + 2 ** 35,
      )
      await expect(memcached.incrementExisting(key, -(2 ** 40))).resolves.toBe(1 + 2 ** 35)
      await expect(memcached.incrementExisting(key, -(2 ** 41))).resolves.toBe(0)
      const counts = await Promise.all(Array.from({ length: 50 }, () => memcached.incrementExisting(key, 1)))
      expect(new Set(counts).size).toBe(50)
    }))

  test('a counter’s TTL holds for the counter that was made, and is not changed by counting', () =>
    withKey(async (memcached, key) => {
      await memcached.increment(key, 1, { initial: 1, ttlMs: 1_000 })
      await memcached.increment(key, 1, { initial: 1, ttlMs: 3_600_000 })
      await expect.poll(() => memcached.get(key), { timeout: 4_000, interval: 100 }).toBeUndefined()
    }))

  test('a TTL over thirty days does not expire at once', () =>
    withKey(async (memcached, key) => {
      const month = 31 * 24 * 60 * 60 * 1000
      await memcached.set(`${key}:1`, 'a', month)
      await memcached.increment(`${key}:2`, 1, { initial: 7, ttlMs: month })
      await memcached.set(`${key}:3`, 'a', 1_000)
      await expect(memcached.touch(`${key}:3`, month)).resolves.toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 2_100))
      const values = await memcached.getMany([1, 2, 3].map((each) => `${key}:${each}`))
      expect(Object.keys(values)).toEqual(['0', '1', '2']) // no holes: whoever maps over the answers sees every key
      expect(values.map(String)).toEqual(['a', '7', 'a'])
      await expect(memcached.touch(`${key}:none`, month)).resolves.toBe(false)
    }))

  test('an oversized value is refused before it is sent, and nobody else’s call suffers', () =>
    withKey(async (memcached, key) => {
      await memcached.set(key, 'a', 10_000)
      const others = Array.from({ length: 20 }, () => memcached.get(key))
      await expect(memcached.set(key, Buffer.alloc(1024 * 1024), 1_000)).rejects.toBeInstanceOf(
        MemcachedValueTooLargeError,
      )
      expect((await Promise.all(others)).every((value) => String(value) === 'a')).toBe(true)
      expect(memcached.available).toBe(true)
    }))

  test('the largest value that is not refused is stored, by the limit that the server has', async () => {
    const { url } = await freshMemcached({ args: ['-I', '4m'] })
    const memcached = await open(url)
    const key = 'k'.repeat(250)
    const refusal: unknown = await memcached
      .set(key, Buffer.alloc(5_000_000), undefined)
      .catch((error: unknown) => error)
    const limit = Number(/takes \((\d+) bytes\)/.exec(String(refusal))?.[1])
    expect(limit).toBeGreaterThan(4_000_000)
    await memcached.set(key, Buffer.alloc(limit - 250, 1), undefined, { deadlineMs: 5_000 })
    await expect(memcached.get(key, { deadlineMs: 5_000 })).resolves.toHaveLength(limit - 250)
  })

  test('a mistake in a call is a typed error and no outage', () =>
    withKey(async (memcached, key) => {
      await expect(memcached.get('a b')).rejects.toMatchObject({ code: 'MEMCACHED_KEY_INVALID' })
      await expect(memcached.getMany([key, ''])).rejects.toMatchObject({ code: 'MEMCACHED_KEY_INVALID' })
      await expect(memcached.delete('')).rejects.toMatchObject({ code: 'MEMCACHED_KEY_INVALID' })
      await expect(memcached.set(key, 'a', 0)).rejects.toMatchObject({ code: 'MEMCACHED_ARGUMENT_INVALID' })
      await memcached.set(key, 'no number', 10_000)
      for (let count = 0; count < 10; count += 1) {
        await expect(memcached.incrementExisting(key, 1)).rejects.toMatchObject({
          name: 'MemcachedStatusError',
          code: 6,
        })
      }
      expect(memcached.available).toBe(true)
    }))

  test('tells the statistics of its servers', () =>
    withKey(async (memcached) => {
      const stats = await memcached.stats()
      expect(Number(stats.get(memcached.target)?.pid)).toBeGreaterThan(0)
    }))

  test('goes on when its request numbers come to their end', async () => {
    const [host = '', port] = (await sharedMemcached()).split(':')
    const server = { host, port: Number(port), username: undefined, password: undefined }
    const link = await MemcachedLink.connect(server, { timeoutMs: 1_000, onDead: () => {}, firstOpaque: 0x7fff_fffc })
    onTestFinished(() => link.destroy(new Error('over')))
    const answers = Array.from({ length: 10 }, () => link.send({ opcode: Opcode.version }))
    await expect(Promise.all(answers)).resolves.toHaveLength(10)
  })
})

describe('several servers', () => {
  test('each holds its share, and one that is away costs only that', async () => {
    const servers = await Promise.all([freshMemcached(), freshMemcached(), freshMemcached()])
    const memcached = await open(servers.map(({ url }) => url).join(','))
    await expect.poll(async () => (await memcached.stats()).size).toBe(3)
    const keys = Array.from({ length: 300 }, (_, index) => `key:${index}`)
    await Promise.all(keys.map((key) => memcached.set(key, key, undefined)))
    for (const stats of (await memcached.stats()).values()) expect(Number(stats.curr_items)).toBeGreaterThan(50)
    await servers[1]?.kill()
    const answers = await Promise.allSettled(keys.map((key) => memcached.get(key)))
    const lost = answers.filter(({ status }) => status === 'rejected').length
    expect(lost).toBeGreaterThan(50)
    expect(lost).toBeLessThan(150)
    expect(memcached.available).toBe(true)
    await expect(memcached.getMany(keys)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect((await memcached.stats()).size).toBe(2)
    await servers[1]?.restart()
    await expect.poll(() => memcached.getMany(keys).catch(() => []), { timeout: 5_000 }).toHaveLength(300)
  })
})

describe('who we are', () => {
  const sasl = { username: 'ada', password: 'correct-horse' }

  test('SASL lets in who knows the password', async () => {
    const { url } = await freshMemcached({ sasl })
    const memcached = await open(url, sasl)
    await memcached.set('a', '1', undefined)
    await expect(memcached.get('a')).resolves.toEqual(Buffer.from('1'))
    expect(inspect(memcached, { depth: 10, showHidden: true, getters: true })).not.toContain('correct-horse')
  })

  test.each([
    ['a wrong password', { ...sasl, password: 'wrong-secret' }],
    ['no password', {}],
  ])('%s is a mistake that names what to change', async (_, credentials) => {
    const { url } = await freshMemcached({ sasl })
    const memcached = openMemcached({
      servers: url,
      ...credentials,
      variables: { password: 'CACHE_MEMCACHED_PASSWORD' },
    })
    onTestFinished(() => memcached.close())
    const fault: unknown = await memcached.whenReady().catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(MisconfiguredError)
    expect(String(fault)).toContain('CACHE_MEMCACHED_PASSWORD')
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain('wrong-secret')
  })

  test('a server after a broken SASL exchange never gets an old request', async () => {
    const server = await freshMemcached({ sasl })
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    const memcached = await open(proxy.url, sasl)
    await memcached.set('a', 'old', undefined)
    await proxy.blackHole()
    await memcached.set('a', 'late', undefined, { deadlineMs: 30 }).catch(() => {})
    proxy.cut()
    await new Promise((resolve) => setTimeout(resolve, 300))
    proxy.cut()
    await proxy.pass()
    await expect.poll(() => memcached.available, { timeout: 5_000 }).toBe(true)
    await expect(memcached.get('a')).resolves.toEqual(Buffer.from('old'))
  })

  test('variables of the environment that memjs would read do not count', async () => {
    process.env.MEMCACHE_USERNAME = 'somebody'
    process.env.MEMCACHE_PASSWORD = 'else'
    onTestFinished(() => {
      delete process.env.MEMCACHE_USERNAME
      delete process.env.MEMCACHE_PASSWORD
    })
    expect((await open(await sharedMemcached())).available).toBe(true)
  })

  test('an unreadable list of servers, or half a login, is refused at once', () => {
    const faults: OpenMemcachedOptions[] = [
      { servers: '' },
      { servers: [] },
      { servers: 'user:secret@127.0.0.1:11211' },
      { servers: '127.0.0.1:99999' },
      { servers: '127.0.0.1:11211,127.0.0.1' },
      { servers: '127.0.0.1', username: 'ada' },
    ]
    for (const options of faults) {
      expect(() => openMemcached({ ...options, variables: { servers: 'CACHE_MEMCACHED_SERVERS' } })).toThrow(
        MisconfiguredError,
      )
    }
    expect(() => openMemcached({ servers: 'user:secret@127.0.0.1' })).not.toThrow(/secret/)
  })
})

describe('a server that hangs up', () => {
  /** Passes everything on, until it takes one more request, answers nothing and closes politely: a FIN. */
  async function politeNetwork(server: MemcachedServer): Promise<{ readonly url: string; hangUp(): void }> {
    let polite = false
    const sockets = new Set<Socket>()
    const network = createServer((client) => {
      const target = connect(server.port, server.host)
      for (const socket of [client, target]) {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.once('close', () => sockets.delete(socket))
      }
      client.on('data', (chunk) => (polite ? client.end() : target.write(chunk)))
      target.on('data', (chunk) => client.write(chunk))
      client.once('close', () => target.destroy())
    })
    await new Promise<void>((resolve) => network.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      network.close()
    })
    const address = network.address()
    return {
      url: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
      hangUp: () => {
        polite = true
      },
    }
  }

  test('a call that is under way at a FIN rejects at once, not at its deadline', async () => {
    const network = await politeNetwork(await freshMemcached())
    const memcached = await open(network.url, { deadlineMs: 10_000 })
    network.hangUp()
    const call = memcached.get('a')
    expect(await inTime(5_000, call)).toBe(true)
    await expect(call).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', reason: 'closed' })
  })

  test('half an answer of a lost connection does not confuse the next one', async () => {
    const server = await freshMemcached()
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    const memcached = await open(proxy.url)
    const large = Buffer.alloc(900_000, 'x')
    await memcached.set('large', large, undefined)
    for (let round = 0; round < 5; round += 1) {
      const cut = memcached.get('large').catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, round))
      proxy.cut()
      await cut
      // the reset may be noticed by the next call only; what is answered must be right
      const next = () => memcached.get('large').catch(() => undefined)
      await expect
        .poll(async () => (await next())?.equals(large), { timeout: 5_000 })
        .toSatisfy((same) => same !== undefined)
      expect((await memcached.get('large'))?.equals(large)).toBe(true)
    }
  })
})

test('a clock that is set wrongly is noticed', async () => {
  const wrong = { now: () => Date.now() + 60_000, elapsed: () => performance.now() }
  const memcached = await open(await sharedMemcached(), { clock: wrong })
  await expect.poll(() => memcached.clockOffsetMs, { timeout: 3_000 }).not.toBe(0)
  expect(Math.abs(memcached.clockOffsetMs + 60_000)).toBeLessThan(2_500)
  const right = await open(await sharedMemcached())
  expect(right.clockOffsetMs).toBe(0)
})
