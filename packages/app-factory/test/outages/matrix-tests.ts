import { inspect } from 'node:util'
import { createInfra } from '@plinth/app-factory'
import type { ComponentState } from '@plinth/core'
import { inTime } from '@plinth/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type BackendRig, SECRET } from './backend-rig.js'
import { type Cell, type Mistake, matrix, type Outage } from './faults.js'
import { type Line, type ServedApp, serveApp } from './served-app.js'
import { Sinks } from './sinks.js'
import { until } from './until.js'

/** What a promise in milliseconds may be late by, on a machine that runs many suites at once. */
const SLACK_MS = 8_000
/** How long a request would wait at least for a backend that is away, were it not for the breakers: twice for the cache alone. */
const DEADLINES_MS = 1_000

/** Registers a row of the matrix: a test for each cell that applies. */
export function registerMatrix(name: keyof typeof matrix): void {
  const { makeRig, cells } = matrix[name]
  const sinks = new Sinks(SECRET)
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  let rig: BackendRig

  beforeAll(async () => {
    sinks.open()
    process.on('unhandledRejection', onUnhandled)
    rig = await makeRig()
  })
  afterEach(async () => {
    await rig.network.pass()
    expect(sinks.leaks).toEqual([])
    expect(unhandled).toEqual([])
  })
  afterAll(async () => {
    await rig.close()
    process.off('unhandledRejection', onUnhandled)
    sinks.close()
  })

  const kinds = Object.entries(cells)
  const outages = kinds.filter((entry): entry is [string, Outage] => isOutage(entry[1]))
  const mistakes = kinds.filter((entry): entry is [string, Mistake] => isMistake(entry[1]))

  test.each(outages)(
    `${name}, %s: the app starts, every request is answered, and it comes back by itself`,
    { timeout: 60_000 },
    (_, outage) => liveThrough(rig, outage, sinks),
  )

  test.each(mistakes)(`${name}, %s: the start fails and names the variable`, { timeout: 60_000 }, (_, mistake) =>
    failToStart(rig, mistake, sinks),
  )

  test('whatever was searched for the password was there to be searched', () => {
    expect(sinks.searched).toEqual(['answer', 'channel', 'console', 'error', 'health', 'inspect', 'log', 'status'])
  })
}

function isOutage(cell: Cell): cell is Outage {
  return 'begin' in cell
}

function isMistake(cell: Cell): cell is Mistake {
  return 'names' in cell
}

/** One app that meets the outage at its start and again while it serves. */
async function liveThrough(rig: BackendRig, outage: Outage, sinks: Sinks): Promise<void> {
  const { takes = rig.components, budgetMs = 600 } = outage
  const atStart = outage.at !== 'running'
  if (atStart) await outage.begin(rig)
  const app = await serveApp({ ...rig.env, STARTUP_TIMEOUT: `${budgetMs}ms` }, sinks)
  try {
    expect(app.startMs).toBeLessThan(budgetMs + SLACK_MS)
    if (atStart) {
      expect(statesOf(app, takes)).toEqual(takes.map(() => 'degraded'))
      await serveWhileAway(app, outage, sinks)
      await recover(app, () => outage.end(rig))
    }
    if (outage.at !== 'start') {
      await recover(app, async () => {})
      const underWay = Promise.all(Array.from({ length: 20 }, () => app.request()))
      await outage.begin(rig)
      await underWay
      await until(`were ${takes} degraded`, async () => {
        await app.request()
        return statesOf(app, takes).every((state) => state === 'degraded')
      })
      if (takes.length > 0) await serveWhileAway(app, outage, sinks)
      await recover(app, () => outage.end(rig))
    }
    expectOneLineEach(app, rig, outage)
  } finally {
    await app.close()
  }
}

/** Requests while the backend is away: all are answered, and none waits for it any more. */
async function serveWhileAway(app: ServedApp, { isSlow = false }: Outage, sinks: Sinks): Promise<void> {
  expect(await app.readiness()).toBe('warn')
  const count = isSlow ? 3 : 30
  const requests = async (): Promise<void> => {
    for (let each = 0; each < count; each += 1) expect((await app.request()).value).toBe('answered')
  }
  const answered = requests()
  if (!isSlow) expect(await inTime((count * DEADLINES_MS) / 2, answered)).toBe(true)
  await answered
  sinks.look('status', app.infra.status())
  sinks.look('health', app.infra.health('full'))
  sinks.look('inspect', inspect(app.infra, { depth: 6, showHidden: true }))
  const error: unknown = await app.infra.whenHealthy(undefined, { timeoutMs: 1 }).catch((thrown: unknown) => thrown)
  sinks.look('error', error)
  await app.infra.cache.invalidateTags('posts').catch((thrown: unknown) => sinks.look('error', thrown))
}

/**
 * Ends the outage; all is well again by itself, with nothing restarted, and the backends are really asked.
 *
 * That it takes two seconds at the most is a matter of waits, and not of this machine: the test of the recovery's schedule in
 * core adds them up, and the benchmark of outages measures them.
 */
async function recover(app: ServedApp, end: () => Promise<void>): Promise<void> {
  await end()
  await app.infra.whenHealthy(undefined, { timeoutMs: 20_000 })
  await until('did the backend decide a limit', async () => !(await app.request()).degraded)
  await until('was it ready', async () => (await app.readiness()) === 'pass')
}

function statesOf(app: ServedApp, components: readonly string[]): readonly unknown[] {
  return components.map((component) => app.infra.status()[component]?.state)
}

/** Each step of a component is one line, in the same order, and nobody else says anything. */
function expectOneLineEach(app: ServedApp, rig: BackendRig, { at, takes = rig.components }: Outage): void {
  for (const component of rig.components) {
    const steps = app.transitions.filter((step) => step.component === component).map(({ to }) => to)
    const atStart: ComponentState[] = at !== 'running' && takes.includes(component) ? ['degraded'] : []
    const lines = app.lines.filter((line) => line.component === component).map(({ level }) => level)
    expect([component, ...lines]).toEqual([component, ...[...atStart, ...steps].map((to) => LEVELS[to])])
    // A busy machine may be an outage of its own, so there may be more of them.
    const outages = takes.includes(component) ? (at === 'both' ? 2 : 1) : 0
    expect(lines.filter((level) => level === 'warn').length).toBeGreaterThanOrEqual(outages)
  }
  expect(app.lines.filter(({ component }) => !rig.components.includes(String(component)))).toEqual([])
}

const LEVELS: Readonly<Partial<Record<ComponentState, Line['level']>>> = {
  degraded: 'warn',
  failed: 'error',
  healthy: 'info',
}

/** The start fails, says which variable to mend, and shows the password in no form. */
async function failToStart(rig: BackendRig, { env, names }: Mistake, sinks: Sinks): Promise<void> {
  const look = (facts: object, message: string): void => sinks.look('log', [facts, message])
  const logger = { debug: look, info: look, warn: look, error: look }
  const settings = { NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory', ...rig.env, ...env }
  const error: unknown = await createInfra({ env: settings, logger }).catch((thrown: unknown) => thrown)
  sinks.look('error', error)
  expect(error).toBeInstanceOf(Error)
  for (const variable of names) expect(String(error)).toContain(variable)
}
