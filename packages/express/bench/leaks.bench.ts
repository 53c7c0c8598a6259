// The list of leaks against this adapter and its peer. `--write` puts the table into docs/route-cache-leaks.md.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FixtureScope } from '@plinth/testing'
import { type AdapterFixture, leakTable, userOf, writeSection } from '@plinth/testing/adapter-checks'
import apicache from 'apicache'
import type { Request, RequestHandler } from 'express'
import { expressFixture, listenFor, refuseStrangers, replyWith } from '../test/serve-spec.js'

/** Routes as the README of apicache has them: the cache as a middleware of the route, here after authentication. */
function apicacheFixture(scope: FixtureScope): AdapterFixture {
  return {
    serve: ({ routes }) =>
      listenFor(scope, (app) => {
        const cache = apicache.newInstance()
        scope.onClose(() => cache.clear())
        for (const route of routes) {
          const middleware: RequestHandler[] = []
          if (route.auth) middleware.push(refuseStrangers)
          if (route.cache !== undefined) middleware.push(cache.middleware('1 hour'))
          const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'
          const user = (request: Request) => userOf(request.headers.authorization)
          app[verb](route.path, ...middleware, replyWith(route, user))
        }
      }),
  }
}

const path = createRequire(import.meta.url).resolve('apicache/package.json')
const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
const table = await leakTable({ '@plinth/express': expressFixture, [`apicache ${version}`]: apicacheFixture })
console.log(table)
if (process.argv.includes('--write')) {
  writeSection(new URL('../../../docs/route-cache-leaks.md', import.meta.url), 'Express', table)
}
process.exit() // apicache leaves a timer for each key
