import type { InvalidationOptions, RouteCacheOptions } from '@plinth/cache/http'
import type { z } from 'zod'
import type { Member } from '../members/member.js'
import { HttpProblem } from './http-problem.js'

/** One request, whatever the framework. */
export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly member: Member | undefined
}

/** One answer: JSON, or text of the given type. */
export interface ApiAnswer {
  readonly status?: number
  readonly body?: unknown
  readonly text?: { readonly type: string; readonly content: string }
}

/** One route, declared once for Express and for Fastify. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** The policy it is charged to. */
  readonly limit?: string
  readonly cache?: RouteCacheOptions
  readonly invalidates?: InvalidationOptions
  readonly handle: (request: ApiRequest) => Promise<ApiAnswer>
}

/** The member who asks. @throws HttpProblem 401 for anybody else. */
export function memberOf({ member }: ApiRequest): Member {
  if (member === undefined) throw new HttpProblem(401, 'Send your API key as "Authorization: Bearer <key>".')
  return member
}

/** What a schema makes of the input. @throws HttpProblem 400 that says what is wrong with it. */
export function parsed<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new HttpProblem(
    400,
    issue === undefined ? 'Invalid.' : `${issue.path.join('.') || 'The body'}: ${issue.message}`,
  )
}

/** What was found. @throws HttpProblem 404 when it was not. */
export function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new HttpProblem(404, `There is no such ${what}.`)
  return value
}
