import type { InfraHost } from '@plinth/core'
import { leakCheck, registerChecks } from '@plinth/testing'
import { serveChecks } from '@plinth/testing/adapter-checks'
import fastify from 'fastify'
import { describe } from 'vitest'
import { serve } from '../src/index.js'
import { declare } from './serve-spec.js'

leakCheck()

describe('serve over Fastify', () => {
  registerChecks(serveChecks, () => ({
    serve: async (routes, whole, port) => {
      const app = fastify()
      for (const route of routes) declare(app, route)
      return serve(app, whole as unknown as InfraHost, { port, signals: false })
    },
  }))
})
