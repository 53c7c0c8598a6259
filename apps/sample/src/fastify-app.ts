import { plinthPlugin } from '@plinth/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Application } from './application.js'
import { apiKeyOf } from './http/api-key.js'
import { problemOf } from './http/http-problem.js'
import { pageHeaders, readPages } from './http/pages.js'
import type { Member } from './members/member.js'

declare module 'fastify' {
  interface FastifyRequest {
    member: Member | undefined
  }
}

/** Puts the application's routes into Fastify. */
export async function fastifyApp({ infra, members, routes }: Application): Promise<FastifyInstance> {
  const app = Fastify({ trustProxy: false })

  await app.register(plinthPlugin, {
    infra,
    identify: ({ member }) => member && { id: String(member.id), tier: member.tier },
  })

  app.decorateRequest('member', undefined)
  app.addHook('preHandler', async (request) => {
    const apiKey = apiKeyOf(request.headers.authorization)
    if (apiKey !== undefined) request.member = await members.byApiKey(apiKey)
  })

  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error)
    if (problem.status >= 500) console.error(error)
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  })

  for (const { path, type, content } of await readPages()) {
    app.get(path, (_request, reply) => reply.headers(pageHeaders).type(type).send(content))
  }

  for (const { method, path, limit, cache, invalidates, handle } of routes) {
    const plinth = {
      ...(limit !== undefined && { limit }),
      ...(cache && { cache }),
      ...(invalidates && { invalidates }),
    }
    app.route({
      method,
      url: path,
      config: { plinth },
      handler: async (request, reply) => {
        const { params, query, body, member } = request
        const answer = await handle({
          params: params as Record<string, string>,
          query: query as Record<string, unknown>,
          body,
          member,
        })
        reply.code(answer.status ?? 200)
        return answer.text === undefined
          ? reply.send(answer.body)
          : reply.type(answer.text.type).send(answer.text.content)
      },
    })
  }
  return app
}
