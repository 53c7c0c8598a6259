import { connect } from 'node:net'

const END = /(?:END|DELETED|STORED|NOT_FOUND|ERROR)\r?\n$/

/** Sends one command of Memcached's text protocol past every client library and gives the answer. */
export function textCommand(
  { host, port }: { readonly host: string; readonly port: number },
  command: string,
): Promise<string> {
  const socket = connect({ host, port })
  let received = ''
  return new Promise((resolve, reject) => {
    socket.setTimeout(2_000, () => socket.destroy(new Error(`${command}: no answer`)))
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (!END.test(received)) return
      socket.destroy()
      resolve(received)
    })
    socket.write(`${command}\r\n`)
  })
}
