import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leakCheck, type RedisServer, redisCommand, startRedis, type TcpProxy, tcpProxy } from '../src/index.js'

leakCheck()

let redis: RedisServer
let proxy: TcpProxy
const sockets: Socket[] = []

beforeEach(async () => {
  redis = await startRedis()
  proxy = await tcpProxy(redis)
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  await redis.close()
})

const ping = (timeout = 5_000): Promise<unknown> =>
  redisCommand({ host: proxy.host, port: proxy.port, timeout }, 'PING')

async function open(): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port })
  sockets.push(socket)
  socket.on('error', () => {})
  await answer(socket)
  return socket
}

function answer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString()))
    socket.once('error', reject)
    socket.write('PING\r\n')
  })
}

function silentFor(socket: Socket, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.write('PING\r\n')
    setTimeout(() => resolve(true), ms)
  })
}

test('passes both ways and counts', async () => {
  expect(proxy.url).toBe(`redis://127.0.0.1:${proxy.port}`)
  expect(await ping()).toBe('PONG')
  expect(proxy).toMatchObject({
    accepted: 1,
    bytesSent: '*1\r\n$4\r\nPING\r\n'.length,
    bytesReceived: '+PONG\r\n'.length,
  })
})

test('refuses, and cuts what is open', async () => {
  const socket = await open()
  await proxy.refuse()
  await expect(answer(socket)).rejects.toThrow()
  await expect(ping()).rejects.toThrow('ECONNREFUSED')
  await proxy.pass()
  expect(await ping()).toBe('PONG')
})

test('accepts without answering, and goes on where it held', async () => {
  const socket = await open()
  await proxy.blackHole()
  await expect(ping(200)).rejects.toThrow('no answer')
  const held = answer(socket)
  const waiting = ping()
  await proxy.pass()
  expect(await held).toBe('+PONG\r\n')
  expect(await waiting).toBe('PONG')
})

test('resets new and open connections', async () => {
  const socket = await open()
  await proxy.reset()
  await expect(answer(socket)).rejects.toThrow()
  await expect(ping()).rejects.toThrow('ECONNRESET')
  await proxy.pass()
  expect(await ping()).toBe('PONG')
})

test('delays an answer by what it is told', async () => {
  await proxy.delay(150)
  const started = performance.now()
  expect(await ping()).toBe('PONG')
  expect(performance.now() - started).toBeGreaterThanOrEqual(145)
})

test('delayed pieces arrive whole and in order, also before the end of the connection', async () => {
  const value = 'x'.repeat(300_000)
  await redis.command('SET', 'a', value)
  await proxy.delay(100)
  const socket = connect({ host: proxy.host, port: proxy.port })
  sockets.push(socket)
  let received = ''
  socket.on('data', (data) => {
    received += data.toString()
  })
  const ended = new Promise((resolve) => socket.once('end', resolve))
  socket.write('GET a\r\nGET a\r\nQUIT\r\n')
  await ended
  const answer = `$300000\r\n${value}\r\n`
  expect(received).toBe(`${answer}${answer}+OK\r\n`)
})

test('holds a large answer in the middle, and gives the rest when it passes again', async () => {
  const value = 'x'.repeat(3_000_000)
  await redis.command('SET', 'a', value)
  const answer = redisCommand({ host: proxy.host, port: proxy.port }, 'GET', 'a')
  while (proxy.bytesReceived === 0) await new Promise((resolve) => setImmediate(resolve))
  await proxy.blackHole()
  const held = proxy.bytesReceived
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(proxy.bytesReceived).toBe(held)
  await proxy.pass()
  expect(await answer).toBe(value)
})

test('cuts what is open and lets new connections pass', async () => {
  const socket = await open()
  expect(proxy.open).toBe(1)
  proxy.cut()
  await expect(answer(socket)).rejects.toThrow()
  expect(await ping()).toBe('PONG')
})

test('a half-open connection stays open and is never answered, while new ones pass', async () => {
  const socket = await open()
  proxy.halfOpen()
  expect(await silentFor(socket, 200)).toBe(true)
  expect(socket.destroyed).toBe(false)
  expect(await ping()).toBe('PONG')
})

test('passes on that the server has died', async () => {
  const socket = await open()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await redis.kill()
  await closed
  await expect(ping()).rejects.toThrow()
})
