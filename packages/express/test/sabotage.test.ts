import { type FixtureScope, registerSabotage } from '@plinth/testing'
import {
  type AdapterFixture,
  exactAnswerChecks,
  leakChecks,
  limitChecks,
  putChecks,
  routeCacheChecks,
  unkeyedReadChecks,
} from '@plinth/testing/adapter-checks'
import { cached, limited, plinth } from '../src/index.js'
import { identify, listenFor, refuseStrangers, replyWith, testHost } from './serve-spec.js'

/** Caches and limits nothing. */
function bare(scope: FixtureScope): AdapterFixture {
  return {
    serve: ({ routes }) =>
      listenFor(scope, (app) => {
        for (const route of routes) {
          const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options'
          app[verb](route.path, ...(route.auth ? [refuseStrangers] : []), replyWith(route, identify))
        }
      }),
  }
}

/** Gives everybody what the first one got who asked for anything at all. */
function parrot(scope: FixtureScope): AdapterFixture {
  return {
    serve: ({ routes }) =>
      listenFor(scope, (app) => {
        let first: string | undefined
        app.use((_request, response, next) => {
          if (first !== undefined) response.setHeader('cache-status', 'plinth; hit; ttl=1').status(200).end(first)
          else next()
        })
        app.use(async (request, response) => {
          const [route] = routes
          const ask = { method: request.method, params: {}, query: request.query, headers: request.headers }
          const reply = await Promise.resolve(route?.handle({ ...ask, user: undefined })).catch(() => undefined)
          first = typeof reply?.body === 'object' ? JSON.stringify(reply.body) : String(reply?.body)
          response.end(first)
        })
      }),
  }
}

/** Everything at its place but the order: the cache before authentication and limits, one scope for all, whatever the options. */
function careless(scope: FixtureScope): AdapterFixture {
  return {
    serve: (spec) =>
      listenFor(scope, (app) => {
        app.use(plinth(testHost(spec), { identify: () => undefined }))
        for (const route of spec.routes) {
          const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options'
          const cache = cached({ scope: 'public', key: 'same', query: [], ttl: '1h' })
          const auth = route.auth ? [refuseStrangers] : []
          const limit =
            route.limit === undefined
              ? []
              : [limited(route.limit === true ? undefined : route.limit, { subject: (request) => request.url })]
          app[verb](route.path, ...limit, cache, ...auth, replyWith(route, identify))
        }
      }),
  }
}

/** Keeps whatever goes out under its path: empty, partial or failed. */
function hoarder(scope: FixtureScope): AdapterFixture {
  return {
    serve: ({ routes }) =>
      listenFor(scope, (app) => {
        const kept = new Map<string, { readonly status: number; readonly body: unknown }>()
        app.use((request, response, next) => {
          const known = kept.get(request.path)
          if (known !== undefined) {
            response.status(known.status).end(known.body)
            return
          }
          const end = response.end.bind(response) as (...args: unknown[]) => typeof response
          response.end = ((...args: unknown[]) => {
            const [body] = args
            kept.set(request.path, { status: response.statusCode, body: typeof body === 'function' ? undefined : body })
            return end(...args)
          }) as typeof response.end
          next()
        })
        for (const route of routes) {
          const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options'
          app[verb](route.path, replyWith(route, identify))
        }
      }),
  }
}

registerSabotage(
  [...routeCacheChecks, ...putChecks, ...unkeyedReadChecks, ...leakChecks, ...limitChecks, ...exactAnswerChecks],
  {
    'caches and limits nothing': bare,
    'answers everybody alike': parrot,
    'keeps whatever goes out': hoarder,
    'caches before authentication, and for everybody': careless,
  },
  { checkTimeout: 3_000, timeout: 90_000 },
)
