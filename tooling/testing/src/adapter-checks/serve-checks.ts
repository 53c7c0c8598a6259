import assert from 'node:assert/strict'
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
      const arrived = turnstile()
      const finish = turnstile()
      const slow: AdapterRoute = {
        method: 'GET',
        path: '/slow',
        handle: async () => {
          arrived.open()
          await finish.opened
          return { body: 'done' }
        },
      }
      const whole = standIn()
      const served = await serve([slow], whole, 0)
      assert.deepEqual(whole.intakes, ['http'])
      const answer = fetch(`${served.url}/slow`)
      await arrived.opened
      const closing = served.close()
      finish.open()
      assert.equal(await (await answer).text(), 'done')
      await closing
      await served.close()
      await assert.rejects(fetch(served.url))
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
      const arrived = turnstile()
      const finish = turnstile()
      const stuck: AdapterRoute = {
        method: 'GET',
        path: '/stuck',
        handle: async () => {
          arrived.open()
          await finish.opened
          return { body: 'too late' }
        },
      }
      const deadline = new AbortController()
      const served = await serve([stuck], standIn(deadline.signal), 0)
      const answer = assert.rejects(fetch(`${served.url}/stuck`))
      await arrived.opened
      const closing = served.close()
      deadline.abort()
      await answer
      finish.open()
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

/** Something to wait for. */
function turnstile(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
