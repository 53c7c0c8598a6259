import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createCache } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import type { InfraHost } from '@plinth/core'
import { openMemcached } from '@plinth/core/memcached'
import { leakCheck, startMemcached } from '@plinth/testing'
import express, { type Express } from 'express'
import { expect, test } from 'vitest'
import { invalidates, type PlinthHost, plinth, serve } from '../src/index.js'

leakCheck()

async function onMemcached(run: (infra: PlinthHost) => Promise<void>): Promise<void> {
  const server = await startMemcached()
  const connection = openMemcached({ servers: `${server.host}:${server.port}` })
  const cache = createCache({ backend: memcachedBackend(connection) })
  try {
    await run({ cache })
  } finally {
    await cache.close()
    await connection.close()
    await server.close()
  }
}

function appWithPatterns(infra: PlinthHost, ran: () => void): Express {
  const app = express()
  app.set('env', 'test')
  app.use(plinth(infra))
  const router = express.Router()
  router.put('/:id', invalidates({ patterns: ['feed:*'] }), (_request, response) => {
    ran()
    response.json({})
  })
  return app.use('/posts', router)
}

test('patterns on a backend that cannot match them keep the app from being served', () =>
  onMemcached(async (infra) => {
    const app = appWithPatterns(infra, () => {})
    const host = { ...infra, addIntake: () => () => {}, close: async () => {} } as unknown as InfraHost & PlinthHost
    await expect(serve(app, host, { port: 0, signals: false })).rejects.toMatchObject({
      code: 'PATTERN_MATCHING_NOT_SUPPORTED',
    })
  }))

test('served in another way, they are refused before the handler has changed anything', () =>
  onMemcached(async (infra) => {
    let runs = 0
    const app = appWithPatterns(infra, () => {
      runs += 1
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { status } = await fetch(`http://127.0.0.1:${port}/posts/1`, { method: 'PUT' })
    await new Promise((resolve) => server.close(resolve).closeAllConnections())
    expect([status, runs]).toEqual([500, 0])
  }))
