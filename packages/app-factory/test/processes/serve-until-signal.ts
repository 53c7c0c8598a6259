// Serves slow requests through an adapter's `serve` until a signal comes, and tells in lines of JSON what it sees of its own end.
import { createInfra, type Infra } from '@plinth/app-factory'
import type { CloseReport, RunUntilSignalOptions } from '@plinth/core'
import { cached, healthRoutes, limited, plinth, serve as serveExpress } from '@plinth/express'
import { plinthPlugin, serve as serveFastify } from '@plinth/fastify'
import express from 'express'
import fastify from 'fastify'

const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`)
process.on('unhandledRejection', (error) => tell({ unhandled: String(error) }))

const { WORK_MS, EXPECTED, FRAMEWORK } = process.env
let inFlight = 0

async function work(infra: Infra): Promise<string> {
  inFlight++
  if (inFlight === Number(EXPECTED)) tell({ inFlight })
  await new Promise((resolve) => setTimeout(resolve, Number(WORK_MS)))
  await infra.rateLimiter.check('default', 'somebody')
  return infra.cache.getOrSet('value', async () => 'answered')
}

async function listen(infra: Infra, signals: RunUntilSignalOptions): Promise<{ readonly url: string }> {
  if (FRAMEWORK === 'fastify') {
    const app = fastify()
    app.register(plinthPlugin, { infra })
    app.get('/work', { config: { plinth: { limit: 'default' } } }, () => work(infra))
    app.get('/short', { config: { plinth: { limit: 'default', cache: { key: 'short', ttl: '1m' } } } }, () => 'short')
    return serveFastify(app, infra, { port: 0, signals })
  }
  const app = express()
  app.use(healthRoutes(infra))
  app.use(plinth(infra))
  app.get('/work', limited('default'), async (_, response) => void response.send(await work(infra)))
  app.get(
    '/short',
    limited('default'),
    cached({ key: 'short', ttl: '1m' }),
    (_, response) => void response.send('short'),
  )
  return serveExpress(app, infra, { port: 0, signals })
}

const infra = await createInfra({ env: process.env, logger: { debug() {}, info() {}, warn() {}, error() {} } })
const close = infra.close.bind(infra)
infra.close = async (options): Promise<CloseReport> => {
  const report = await close(options)
  tell({ closed: report.steps.map(({ name, outcome }) => `${name} ${outcome}`) })
  return report
}
const { url } = await listen(infra, { deadlineMs: Number(process.env.DEADLINE_MS) })
tell({ url })
