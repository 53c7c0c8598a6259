import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** What Redis answers, as the second version of its protocol carries it. */
export type RedisReply = string | number | null | readonly RedisReply[]

/** Where to send a command. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly password?: string | undefined
  readonly tls?: ConnectionOptions | undefined
  /** Which database. Default: 0. */
  readonly db?: number | undefined
  /** How long the answer may take, in milliseconds. Default: 5 s. */
  readonly timeout?: number | undefined
}

/** Redis answered with an error; the message begins with its code, such as `NOAUTH` or `MOVED`. */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError'
}

/**
 * Sends one command over a connection of its own and gives the answer.
 *
 * The tests of this house must be able to see a server without the client whose behaviour is being tested.
 */
export function redisCommand(address: RedisAddress, ...command: readonly (string | number)[]): Promise<RedisReply> {
  const { host, port, password, tls, db = 0, timeout = 5_000 } = address
  const commands = [
    ...(password === undefined ? [] : [['AUTH', password]]),
    ...(db === 0 ? [] : [['SELECT', db]]),
    command,
  ]
  const socket: Socket = tls ? connectTls({ host, port, ...tls }) : connect({ host, port })
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    socket.setTimeout(timeout, () => socket.destroy(new Error(`${command[0]}: no answer within ${timeout} ms`)))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${command[0]}: the connection was closed`)))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const replies = parseReplies(received)
      const failure = replies.find((reply) => reply instanceof RedisReplyError)
      if (failure) reject(failure)
      else if (replies.length === commands.length) resolve(replies.at(-1) as RedisReply)
      else return
      socket.destroy()
    })
    socket.write(commands.map(encode).join(''))
  })
}

function encode(command: readonly (string | number)[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`)
  return `*${command.length}\r\n${parts.join('')}`
}

type Parsed = { readonly value: RedisReply | RedisReplyError; readonly next: number }

/** All whole replies at the start of `data`. */
function parseReplies(data: Buffer): (RedisReply | RedisReplyError)[] {
  const replies: (RedisReply | RedisReplyError)[] = []
  for (let at = 0; at < data.length; ) {
    const parsed = parseReply(data, at)
    if (!parsed) break
    replies.push(parsed.value)
    at = parsed.next
  }
  return replies
}

function parseReply(data: Buffer, at: number): Parsed | undefined {
  const end = data.indexOf('\r\n', at)
  if (end === -1) return undefined
  const line = data.toString('utf8', at + 1, end)
  const next = end + 2
  switch (String.fromCharCode(data[at] ?? 0)) {
    case '+':
      return { value: line, next }
    case '-':
      return { value: new RedisReplyError(line), next }
    case ':':
      return { value: Number(line), next }
    case '$':
      return parseBulk(data, Number(line), next)
    case '*':
      return parseList(data, Number(line), next)
    default:
      throw new Error(`Not an answer of Redis: ${line}`)
  }
}

function parseBulk(data: Buffer, length: number, at: number): Parsed | undefined {
  if (length === -1) return { value: null, next: at }
  const next = at + length + 2
  return next > data.length ? undefined : { value: data.toString('utf8', at, at + length), next }
}

function parseList(data: Buffer, length: number, start: number): Parsed | undefined {
  if (length === -1) return { value: null, next: start }
  const items: RedisReply[] = []
  let at = start
  for (let index = 0; index < length; index++) {
    const parsed = parseReply(data, at)
    if (!parsed) return undefined
    items.push(parsed.value instanceof RedisReplyError ? parsed.value.message : parsed.value)
    at = parsed.next
  }
  return { value: items, next: at }
}
