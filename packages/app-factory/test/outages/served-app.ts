import { consoleLogger, createInfra, type Infra } from '@plinth/app-factory'
import type { Env } from '@plinth/config'
import { type ComponentTransition, InfraError, type LogLine } from '@plinth/core'
import { cached, healthRoutes, limited, plinth, serve } from '@plinth/express'
import { defineTask } from '@plinth/tasks'
import express from 'express'
import type { Sinks } from './sinks.js'

/** A line that a person on duty would see. */
export interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly component: unknown
  readonly message: string
}

/** An app that listens, and everything that it says. */
export interface ServedApp {
  readonly infra: Infra
  /** How long the start took, in milliseconds. */
  readonly startMs: number
  readonly lines: readonly Line[]
  /** Every step after the start. */
  readonly transitions: readonly ComponentTransition[]
  /** One request by a limited and cached route whose handler reads the cache and enqueues a task; throws when it is not answered well. */
  request(): Promise<Answer>
  /** The status of `GET /readyz` and of `GET /healthz`, which must be the same. */
  readiness(): Promise<string>
  close(): Promise<void>
}

/** What the handler of a request found. */
export interface Answer {
  readonly value: string
  readonly task: 'enqueued' | 'refused'
  /** Whether the limit was decided without its backend. */
  readonly degraded: boolean
}

/** No request may take longer: the deadlines of limiter, cache and tasks one after the other, and a machine under load. */
const LONGEST_REQUEST_MS = 10_000

const noted = defineTask<{ readonly number: number }, void>({ name: 'noted', run: () => {} })

/** Starts the app on `env`, over real HTTP. */
export async function serveApp(env: Env, sinks: Sinks): Promise<ServedApp> {
  const lines: Line[] = []
  const toConsole = consoleLogger()
  const write =
    (level: Line['level']): LogLine =>
    (facts, message) => {
      sinks.look('log', [facts, message])
      toConsole[level](facts, message)
      if (!message.startsWith('started\n')) lines.push({ level, component: facts.component, message })
    }
  const logger = {
    debug: (facts: object, message: string) => sinks.look('log', [facts, message]),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  const began = performance.now()
  const infra = await createInfra({
    env: {
      NODE_ENV: 'test',
      EMAIL_TRANSPORT: 'memory',
      HEALTH_DETAILS: 'true',
      DEFAULT_RATE_LIMIT_LIMIT: '1000000',
      ...env,
    },
    tasks: [noted],
    worker: true,
    logger,
  })
  const startMs = performance.now() - began
  const transitions: ComponentTransition[] = []
  infra.onTransition((transition) => transitions.push(transition))
  const { url } = await serve(appOver(infra), infra, { port: 0, signals: false })

  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(LONGEST_REQUEST_MS) })
    const text = await response.text()
    sinks.look(path.startsWith('/answers') ? 'answer' : 'health', [[...response.headers], text])
    if (path.startsWith('/answers') && response.status !== 200) throw new Error(`${response.status} ${text}`)
    return JSON.parse(text)
  }
  let number = 0
  return {
    infra,
    startMs,
    lines,
    transitions,
    request: async () => (await get(`/answers/${number++}`)) as Answer,
    async readiness() {
      const [ready, full] = (await Promise.all([get('/readyz'), get('/healthz')])) as { readonly status: string }[]
      return ready?.status === full?.status ? String(ready?.status) : `${ready?.status}, but ${full?.status}`
    },
    async close() {
      await infra.close({ deadlineMs: 3_000 })
    },
  }
}

function appOver(infra: Infra): express.Express {
  const app = express()
  app.set('env', 'test') // keeps Express from writing what handlers throw to the console
  app.use(healthRoutes(infra))
  app.use(plinth(infra))
  app.get(
    '/answers/:number',
    limited('default'),
    cached({ key: 'answer:{number}', ttl: '1m' }),
    async (request, response) => {
      const number = Number(request.params.number)
      const value = await infra.cache.getOrSet('value', async () => 'answered', { ttl: '1m' })
      const decision = await infra.rateLimiter.check('default', 'somebody')
      const task = await infra.tasks.enqueue(noted, { number }).then(
        () => 'enqueued' as const,
        (error: unknown) => {
          if (error instanceof InfraError && error.retryable) return 'refused' as const
          throw error
        },
      )
      response.json({ value, task, degraded: decision.degraded } satisfies Answer)
    },
  )
  return app
}
