import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { freePort, freshRedis, leakCheck, tcpProxy } from '@plinth/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { classifyFault, faultTable } from '../../src/faults/classify-fault.js'
import { networkFaults } from '../../src/faults/network-faults.js'

leakCheck()

async function errorOf(socket: Socket): Promise<Error> {
  const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
  socket.destroy()
  return error
}

/** Listens with a server that says `answer` and hangs up. */
async function hangingUp(answer = ''): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const produced: Readonly<Record<string, () => Promise<unknown>>> = {
  'network/certificate': async () => {
    const { port } = await freshRedis({ tls: true })
    return errorOf(tlsConnect({ host: '127.0.0.1', port }))
  },
  'network/certificate of another host': async () => {
    const { port, ca } = await freshRedis({ tls: true })
    return errorOf(
      tlsConnect({ host: '127.0.0.1', port, servername: 'other.example', ...(ca === undefined ? {} : { ca }) }),
    )
  },
  'network/tls-mismatch': async () => {
    const port = await hangingUp('HTTP/1.1 400\r\n\r\n')
    return errorOf(tlsConnect({ host: '127.0.0.1', port }))
  },
  'network/bad-address': async () => {
    const socket = new Socket()
    try {
      return socket.connect(70_000, '127.0.0.1')
    } catch (error) {
      return error
    } finally {
      socket.destroy()
    }
  },
  'network/refused': async () => errorOf(connect(await freePort(), '127.0.0.1')),
  'network/no-socket': async () => errorOf(connect('/nowhere/redis.sock')),
  'network/name': async () => errorOf(connect(6379, 'redis.invalid')),
  'network/lost': async () => {
    const proxy = await tcpProxy(await freshRedis())
    onTestFinished(() => proxy.close())
    const socket = connect(proxy.port, proxy.host)
    await once(socket, 'connect')
    await expect.poll(() => proxy.open).toBe(1)
    const error = errorOf(socket)
    proxy.cut()
    return error
  },
  'network/tls-lost': async () => {
    const port = await hangingUp()
    return Object.assign(await errorOf(tlsConnect({ host: '127.0.0.1', port })), { code: undefined })
  },
}

/** Codes of Node and of the system that nothing on this machine brings about. */
const recorded: Readonly<Record<string, readonly string[]>> = {
  'network/certificate': ['CERT_HAS_EXPIRED', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'SELF_SIGNED_CERT_IN_CHAIN'],
  'network/tls-client-certificate': ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
  'network/socket-permission': ['EACCES'],
  'network/name': ['EAI_AGAIN'],
  'network/timeout': ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
  'network/unreachable': ['EHOSTUNREACH', 'ENETUNREACH'],
  'network/local-limits': ['EMFILE'],
}

describe('how a network fails is sorted by the line of the table that is about it', () => {
  test.each(Object.entries(produced))('%s', async (name, produce) => {
    const error = await produce()
    expect(classifyFault(error, 'redis').rule?.id, String(error)).toBe(name.split(' ')[0])
  })

  test.each(Object.entries(recorded))('%s (recorded)', (id, codes) => {
    for (const code of codes) {
      expect(classifyFault(Object.assign(new Error('x'), { code }), 'redis').rule?.id).toBe(id)
    }
  })

  test('no line is without such a proof', () => {
    const proven = [...Object.keys(produced), ...Object.keys(recorded)].map((name) => name.split(' ')[0])
    expect(networkFaults.map(({ id }) => id).filter((id) => !proven.includes(id))).toEqual([])
  })

  test('every server’s table has these lines', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
    for (const source of Object.keys(faultTable) as (keyof typeof faultTable)[]) {
      expect(classifyFault(new Error('wrapped', { cause: refused }), source)).toMatchObject({ kind: 'outage' })
      expect(classifyFault(new AggregateError([refused]), source)).toMatchObject({ kind: 'outage' })
    }
  })
})
