// Serves slow requests over node:http until a signal comes, and tells in lines of JSON what it sees of its own end.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInfra } from '@plinth/app-factory'
import { runUntilSignal, sendWebResponse, webRequest } from '@plinth/core'

const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`)
process.on('unhandledRejection', (error) => tell({ unhandled: String(error) }))

const infra = await createInfra({ env: process.env, logger: { debug() {}, info() {}, warn() {}, error() {} } })
let inFlight = 0
const server = createServer(async (incoming, outgoing) => {
  const own = await infra.fetch(webRequest(incoming, 'http://127.0.0.1'))
  if (own !== undefined) return sendWebResponse(own, outgoing)
  inFlight++
  if (inFlight === Number(process.env.EXPECTED)) tell({ inFlight })
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.WORK_MS)))
  const value = await infra.cache.getOrSet('value', async () => 'answered')
  outgoing.end(value)
})
infra.addIntake({
  name: 'http',
  stop: (signal) =>
    new Promise((resolve) => {
      tell({ listenerClosing: true })
      signal.addEventListener('abort', () => server.closeAllConnections(), { once: true })
      server.close(() => resolve())
      server.closeIdleConnections()
    }),
})
server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }))
runUntilSignal(infra, { deadlineMs: Number(process.env.DEADLINE_MS) }).closed.then(({ clean }) => tell({ clean }))
