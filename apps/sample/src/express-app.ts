import { cached, healthRoutes, invalidates, limited, plinth } from '@plinth/express'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import type { Application } from './application.js'
import { apiKeyOf } from './http/api-key.js'
import { problemOf } from './http/http-problem.js'
import { pageHeaders, readPages } from './http/pages.js'
import type { Route } from './http/route.js'
import type { Member } from './members/member.js'

/** Puts the application's routes into Express. */
export async function expressApp({ infra, members, routes }: Application): Promise<Express> {
  const app = express()
  app.disable('x-powered-by')
  app.use(healthRoutes(infra))
  app.use(
    plinth(infra, {
      identify: (request) => {
        const member = memberOf(request)
        return member && { id: String(member.id), tier: member.tier }
      },
    }),
  )

  app.use(express.json())
  app.use(async (request, response, next) => {
    const apiKey = apiKeyOf(request.headers.authorization)
    if (apiKey !== undefined) response.locals.member = await members.byApiKey(apiKey)
    next()
  })

  for (const { path, type, content } of await readPages()) {
    app.get(path, (_request, response) => {
      response.set(pageHeaders).type(type).send(content)
    })
  }

  for (const route of routes) {
    const method = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'
    app[method](route.path, ...middlewares(route), handlerOf(route))
  }

  app.use(answerProblem)
  return app
}

/** Limiter before cache, always: a cached answer counts too. */
function middlewares({ limit, cache, invalidates: invalidation }: Route): readonly RequestHandler[] {
  return [
    ...(limit === undefined ? [] : [limited(limit)]),
    ...(cache === undefined ? [] : [cached(cache)]),
    ...(invalidation === undefined ? [] : [invalidates(invalidation)]),
  ]
}

function handlerOf({ handle }: Route): RequestHandler {
  return async (request, response) => {
    const { params, query, body } = request
    const answer = await handle({ params: params as Record<string, string>, query, body, member: memberOf(request) })
    response.status(answer.status ?? 200)
    if (answer.text !== undefined) response.type(answer.text.type).send(answer.text.content)
    else if (answer.body === undefined) response.end()
    else response.json(answer.body)
  }
}

function memberOf({ res }: Request): Member | undefined {
  return res?.locals.member as Member | undefined
}

const answerProblem: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) {
    next(error)
    return
  }
  const problem = problemOf(error)
  if (problem.status >= 500) console.error(error)
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}
