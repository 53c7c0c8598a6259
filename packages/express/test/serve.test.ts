import type { InfraHost } from '@plinth/core'
import { leakCheck, registerChecks } from '@plinth/testing'
import { serveChecks } from '@plinth/testing/adapter-checks'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { clientCache, healthRoutes, plinth, serve } from '../src/index.js'
import { declare, listenFor, testHost } from './serve-spec.js'

leakCheck()

const closes: (() => unknown)[] = []
const scope = { onClose: (close: () => unknown) => void closes.push(close) }
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

describe('serve over Express', () => {
  registerChecks(serveChecks, () => ({
    serve: (routes, whole, port) => {
      const app = express()
      for (const route of routes) declare(app, route)
      return serve(app, { ...testHost(), ...whole } as unknown as InfraHost, { port, signals: false })
    },
  }))
})

test('healthRoutes answers the paths of the whole, before everything else, and lets all others pass', async () => {
  const { url } = await listenFor(scope, (app) => {
    app.use(
      healthRoutes(testHost() as InfraHost),
      (_request, response) => void response.status(401).end('who are you?'),
    )
  })
  const statuses = []
  for (const path of ['/livez', '/posts', '/livez/x']) statuses.push((await fetch(url + path)).status)
  expect(statuses).toEqual([200, 401, 401])
})

describe('clientCache', () => {
  async function controlOf(path: string): Promise<string | null> {
    const { url } = await listenFor(scope, (app) => {
      const off = { ...testHost(), config: { clientCache: { enabled: false, maxAgeMs: 1 } } }
      app.get('/off', plinth(off), clientCache(), (_request, response) => void response.json({}))
      app.use(plinth(testHost()))
      app.get('/plain', clientCache(), (_request, response) => void response.json({}))
      app.get('/long', clientCache({ maxAge: '1h', scope: 'public', immutable: true }), (_request, response) => {
        response.json({})
      })
      app.get('/cookie', clientCache({ maxAge: '1h', scope: 'public' }), (_request, response) => {
        response.cookie('sid', '1').json({})
      })
      app.get('/own', clientCache(), (_request, response) => void response.set('cache-control', 'no-cache').json({}))
      app.get('/error', clientCache(), (_request, response) => void response.status(500).json({}))
    })
    return (await fetch(url + path)).headers.get('cache-control')
  }

  test.each([
    ['/plain', 'private, max-age=60'],
    ['/long', 'public, max-age=3600, immutable'],
    ['/cookie', 'private, max-age=3600'],
    ['/own', 'no-cache'],
    ['/error', 'no-store'],
    ['/off', null],
  ])('%s says %s', async (path, control) => {
    expect(await controlOf(path)).toBe(control)
  })
})
