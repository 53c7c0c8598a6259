import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Check } from '../register-checks.js'
import type { AdapterRoute } from './adapter-app.js'

/** What an adapter's `serve` is given for the whole: it keeps intakes, and stops them when it is closed. */
export interface WholeStandIn {
  readonly phase: 'running'
  /** The names of the intakes that were registered. */
  readonly intakes: readonly string[]
  addIntake(intake: { readonly name: string; stop(signal: AbortSignal): Promise<void> }): () => void
  close(): Promise<{ readonly clean: boolean; readonly ms: number; readonly steps: readonly never[] }>
}

/** An app that `serve` of an adapter listens for. */
export interface ServedStandIn {
  readonly url: string
  close(): Promise<void>
}

/** What {@link serveChecks} run against: `serve` of an adapter, without signals, over an app with these routes. */
export interface ServeFixture {
  readonly serve: (routes: readonly AdapterRoute[], whole: WholeStandIn, port: number) => Promise<ServedStandIn>
}

/** What `serve` promises over every adapter. */
export const serveChecks: readonly Check<ServeFixture>[] = [
  {
    name: 'serve listens, finishes what it has accepted when it is closed, and takes nothing new',
    run: async ({ serve }) => {
      const slow = heldRoute('/slow')
      const whole = standIn()
      const served = await serve([slow.route], whole, 0)
      assert.deepEqual(whole.intakes, ['http'])
      const answer = fetch(`${served.url}/slow`)
      await slow.arrived
      const closing = served.close()
      slow.finish()
      assert.equal(await (await answer).text(), 'done')
      await closing
      await served.close()
      await assert.rejects(fetch(served.url))
    },
  },
  {
    name: 'serve ends each connection with the answer that is under way on it, and says so to the client',
    run: async ({ serve }) => {
      const slow = heldRoute('/slow')
      const served = await serve([slow.route], standIn(), 0)
      const connection = await connectTo(served.url)
      connection.write(request('/slow'))
      await slow.arrived
      const closing = served.close()
      slow.finish()
      // a server that keeps the connection would end it too, but later and unannounced
      assert.match(await text(connection), /^HTTP\/1\.1 200[\s\S]*\r\nconnection: close\r\n[\s\S]*done$/i)
      await closing
    },
  },
  {
    name: 'serve answers the first request of a connection that it had accepted when it was closed',
    run: async ({ serve }) => {
      const slow = heldRoute('/slow')
      const served = await serve(
        [slow.route, { method: 'GET', path: '/', handle: () => ({ body: 'served' }) }],
        standIn(),
        0,
      )
      const early = await connectTo(served.url)
      const later = await connectTo(served.url)
      later.resume().write(request('/slow'))
      await slow.arrived // so the one before it has been accepted too
      const closing = served.close()
      early.write(request('/'))
      assert.match(await text(early), /^HTTP\/1\.1 200[\s\S]*\r\nconnection: close\r\n[\s\S]*served/i)
      slow.finish()
      await closing
    },
  },
  {
    name: 'serve does not wait for a connection that never asks anything',
    run: async ({ serve }) => {
      const served = await serve([], standIn(), 0)
      const connection = await connectTo(served.url)
      await served.close()
      connection.destroy()
    },
  },
  {
    name: 'serve reports a port that is taken as an error of the start',
    run: async ({ serve }) => {
      const first = await serve([], standIn(), 0)
      try {
        const port = Number(new URL(first.url).port)
        await assert.rejects(serve([], standIn(), port), { code: 'EADDRINUSE' })
      } finally {
        await first.close()
      }
    },
  },
  {
    name: 'serve lets go of connections that do not end within the deadline of the whole',
    run: async ({ serve }) => {
      const stuck = heldRoute('/stuck')
      const deadline = new AbortController()
      const served = await serve([stuck.route], standIn(deadline.signal), 0)
      const answer = assert.rejects(fetch(`${served.url}/stuck`))
      await stuck.arrived
      const closing = served.close()
      deadline.abort()
      await answer
      stuck.finish()
      await closing
    },
  },
]

/** A {@link WholeStandIn} whose deadline is `signal`. */
function standIn(signal: AbortSignal = new AbortController().signal): WholeStandIn {
  const open: Parameters<WholeStandIn['addIntake']>[0][] = []
  const intakes: string[] = []
  return {
    phase: 'running',
    intakes,
    addIntake(intake) {
      open.push(intake)
      intakes.push(intake.name)
      return () => {}
    },
    async close() {
      for (const intake of open.splice(0)) await intake.stop(signal)
      return { clean: true, ms: 0, steps: [] }
    },
  }
}

async function connectTo(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const connection = connect(Number(port), hostname)
  await once(connection, 'connect')
  return connection
}

/** A request as a client sends it that would like to keep its connection. */
function request(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n`
}

/** A route whose requests are held until `finish` is called. */
function heldRoute(path: string): { readonly route: AdapterRoute; readonly arrived: Promise<void>; finish(): void } {
  const arrived = turnstile()
  const finish = turnstile()
  const handle = async () => {
    arrived.open()
    await finish.opened
    return { body: 'done' }
  }
  return { route: { method: 'GET', path, handle }, arrived: arrived.opened, finish: () => finish.open() }
}

/** Something to wait for. */
function turnstile(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
