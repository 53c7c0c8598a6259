// The list of leaks against this adapter and its peer. `--write` puts the table into docs/route-cache-leaks.md.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import caching from '@fastify/caching'
import type { FixtureScope } from '@plinth/testing'
import { type AdapterFixture, leakTable, writeSection } from '@plinth/testing/adapter-checks'
import fastify, { type FastifyReply } from 'fastify'
import { declare, fastifyFixture } from '../test/serve-spec.js'

/** Routes as the README of @fastify/caching has them: registered first, `reply.etag()` in the handler. */
function cachingFixture(scope: FixtureScope): AdapterFixture {
  return {
    serve: async ({ routes }) => {
      const app = fastify()
      scope.onClose(() => app.close())
      await app.register(caching, { privacy: caching.privacy.PUBLIC, expiresIn: 3600 })
      for (const { cache, ...route } of routes) {
        declare(app, route, (reply: FastifyReply) => cache !== undefined && reply.etag())
      }
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }) }
    },
  }
}

const path = createRequire(import.meta.url).resolve('@fastify/caching/package.json')
const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
const table = await leakTable({ '@plinth/fastify': fastifyFixture, [`@fastify/caching ${version}`]: cachingFixture })
console.log(table)
if (process.argv.includes('--write')) {
  writeSection(new URL('../../../docs/route-cache-leaks.md', import.meta.url), 'Fastify', table)
}
