import type { InfraHost, Intake } from '@plinth/core'
import { leakCheck } from '@plinth/testing'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { clientCache, healthRoutes, plinth, serve } from '../src/index.js'
import { listenFor, testHost } from './serve-spec.js'

leakCheck()

const closes: (() => unknown)[] = []
const scope = { onClose: (close: () => unknown) => void closes.push(close) }
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

/** A whole that stops its intakes when it is closed, and says what it was asked. */
function wholeOf(): InfraHost & { readonly intakes: string[] } {
  const intakes: Intake[] = []
  const host = {
    ...testHost(),
    intakes: [] as string[],
    addIntake(intake: Intake) {
      intakes.push(intake)
      host.intakes.push(intake.name)
      return () => {}
    },
    async close() {
      for (const intake of intakes.splice(0)) await intake.stop(new AbortController().signal)
      return { clean: true, ms: 0, steps: [] }
    },
  }
  return host as unknown as InfraHost & { readonly intakes: string[] }
}

describe('serve', () => {
  test('listens, finishes what it has accepted when it is closed, and takes nothing new', async () => {
    let arrived = () => {}
    const underWay = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let finish = () => {}
    const app = express().get('/slow', (_request, response) => {
      finish = () => void response.end('done')
      arrived()
    })
    const infra = wholeOf()
    const served = await serve(app, infra, { port: 0, signals: false })
    expect(infra.intakes).toEqual(['http'])
    const answer = fetch(`${served.url}/slow`)
    await underWay
    const closing = served.close()
    finish()
    expect(await (await answer).text()).toBe('done')
    await closing
    await served.close()
    await expect(fetch(served.url)).rejects.toThrow()
  })

  test('a port that is taken is an error of the start', async () => {
    const first = await serve(express(), wholeOf(), { port: 0, signals: false })
    closes.push(() => first.close())
    const port = Number(new URL(first.url).port)
    await expect(serve(express(), wholeOf(), { port, signals: false })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

test('healthRoutes answers the paths of the whole, before everything else, and lets all others pass', async () => {
  const { url } = await listenFor(scope, (app) => {
    app.use(healthRoutes(wholeOf()), (_request, response) => void response.status(401).end('who are you?'))
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
