import { createServer, type Socket } from 'node:net'

/** A user and a password that a server asks for by SASL. */
export interface SaslCredentials {
  readonly username: string
  readonly password: string
}

/**
 * Answers, on the Unix socket at `path`, whether a user and a password are right: what `saslauthd` does for the SASL
 * library inside a server, so that tests need no database of users.
 *
 * A request is four counted strings (login, password, service, realm); the answer is `OK` or `NO`, counted too.
 */
export async function startSaslauthd(path: string, right: SaslCredentials): Promise<{ close(): Promise<void> }> {
  const server = createServer((socket) => {
    answer(socket, right)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  server.unref()
  return { close: () => new Promise((resolve) => server.close(() => resolve())) }
}

function answer(socket: Socket, right: SaslCredentials): void {
  let received = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    const [login, password, service, realm] = countedStrings(received)
    if (service === undefined || realm === undefined) return
    const isRight = login === right.username && password === right.password
    socket.end(Buffer.from([0, 2, ...Buffer.from(isRight ? 'OK' : 'NO')]))
  })
}

function countedStrings(bytes: Buffer): string[] {
  const strings: string[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at)
    if (end > bytes.length) break
    strings.push(bytes.toString('utf8', at + 2, end))
    at = end
  }
  return strings
}
