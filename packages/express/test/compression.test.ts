import { leakCheck } from '@plinth/testing'
import compression from 'compression'
import type { Express } from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { cached, plinth } from '../src/index.js'
import { listenFor, testHost } from './serve-spec.js'

leakCheck()

const text = 'the same bytes, many times. '.repeat(200)
const closes: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

const orders: Readonly<Record<string, (app: Express) => void>> = {
  'before the cache': (app) => void app.use(compression(), plinth(testHost())),
  'after the cache': (app) => void app.use(plinth(testHost()), compression()),
}

describe('a compressing middleware', () => {
  for (const [order, mount] of Object.entries(orders)) {
    test(`${order} compresses hits for those who ask, and nobody else gets what was compressed`, async () => {
      const { url } = await listenFor({ onClose: (close) => void closes.push(close) }, (app) => {
        mount(app)
        app.get('/', cached({ ttl: '1h' }), (_request, response) => void response.type('text/plain').send(text))
      })
      for (const encoding of ['gzip', 'identity', 'gzip', 'identity']) {
        const response = await fetch(url, { headers: { 'accept-encoding': encoding } })
        expect([response.status, await response.text()]).toEqual([200, text])
        expect(response.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null)
      }
    })
  }
})
