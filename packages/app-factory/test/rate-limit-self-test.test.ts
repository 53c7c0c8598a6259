import { createInfra, type Infra, type InfraOptions } from '@plinth/app-factory'
import type { Logger } from '@plinth/core'
import { limited, plinth, serve as serveExpress } from '@plinth/express'
import { plinthPlugin, serve as serveFastify } from '@plinth/fastify'
import express, { Router } from 'express'
import fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'

const env = { EMAIL_TRANSPORT: 'memory', NODE_ENV: 'test' }
const policies = {
  api: { limits: ['10/1m'] },
  login: { limits: ['5/15m strict'] },
  cron: { limits: ['1/1m'], routed: false },
}

/** Serves an app whose routes charge these policies, and closes it again. */
type ServeRoutes = (infra: Infra, policies: readonly string[], addressLimit: string | undefined) => Promise<unknown>

const adapters: Readonly<Record<string, ServeRoutes>> = {
  async express(infra, charged, addressLimit) {
    const app = express()
    const router = Router()
    app.use(plinth(infra, addressLimit === undefined ? {} : { addressLimit }))
    app.use('/v1', router)
    for (const policy of charged) router.get(`/${policy}`, limited(policy), (_, response) => void response.end())
    await serveExpress(app, infra, { port: 0, signals: false })
  },
  async fastify(infra, charged, addressLimit) {
    const app = fastify()
    await app.register(plinthPlugin, { infra, ...(addressLimit === undefined ? {} : { addressLimit }) })
    for (const limit of charged) app.get(`/v1/${limit}`, { config: { plinth: { limit } } }, async () => '')
    await serveFastify(app, infra, { port: 0, signals: false })
  },
}

describe.each(Object.entries(adapters))('once an app is served over %s', (_, serveRoutes) => {
  /** What the log says about rate limits. */
  async function warningsWith(
    options: Pick<InfraOptions, 'policies' | 'routes'>,
    charged: readonly string[],
    addressLimit?: string,
  ): Promise<readonly string[]> {
    const warnings: string[] = []
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: (facts, message) => {
        if ((facts as { component?: string }).component === 'rateLimiter') warnings.push(message)
      },
      error: () => {},
    }
    const infra = await createInfra({ env, logger, ...options })
    onTestFinished(async () => void (await infra.close()))
    await serveRoutes(infra, charged, addressLimit)
    await infra.close() // waits for the self-test
    return warnings
  }

  test('a limiter that is mounted on nothing is told', async () => {
    const [warning, ...more] = await warningsWith({ policies }, [])
    expect(warning).toMatch(/mounted on nothing/)
    expect(more).toEqual([])
    expect(await warningsWith({}, [])).toHaveLength(1)
  })

  test('a policy that no route uses is told by name', async () => {
    expect(await warningsWith({ policies }, ['api'])).toEqual([expect.stringContaining('"login"')])
  })

  test('a limiter whose policies are all used says nothing', async () => {
    expect(await warningsWith({ policies }, ['api', 'login'])).toEqual([])
    expect(await warningsWith({ policies }, ['login'], 'api')).toEqual([])
    expect(await warningsWith({ policies, routes: { '/v1/*': 'login' } }, ['api'])).toEqual([])
  })
})
