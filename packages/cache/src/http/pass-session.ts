import type { CacheStatus } from './cache-status.js'
import { fieldLine } from './header-fields.js'
import type { OutgoingResponse } from './outgoing-response.js'
import type { RouteSession } from './route-session.js'
import type { CapturedResponse } from './storability.js'
import { type AnswerContext, type AnswerSettings, appendStatus, setSharedFields } from './stored-answer.js'

/** A request that the cache lets pass: its response goes out as it is, told apart only by `Cache-Status` and what clients may do with it. */
export function passSession(status: CacheStatus, context: AnswerContext, settings: AnswerSettings): RouteSession {
  const begin = ({ status: code, fields, prior }: Omit<CapturedResponse, 'body'>) => {
    const changes: Record<string, string | readonly string[] | undefined> = {
      vary: fields.vary,
      'cache-control': fields['cache-control'],
      'cache-status': appendStatus(fieldLine(fields, 'cache-status'), settings.name, status),
    }
    const ownsCookie = fields['set-cookie'] !== undefined
    const facts = { status: code, ageMs: 0, freshForMs: Number.POSITIVE_INFINITY, ownsCookie }
    setSharedFields(changes, context.policy, prior, settings, facts)
    return changes
  }
  return {
    requestFields: {},
    query: context.policy.query,
    keepsBytes: 0,
    watch: (headers) => headers,
    finish: (response): OutgoingResponse => ({
      status: response.status,
      fields: begin(response),
      body: response.body,
    }),
    store: async () => {},
    begin,
    end: async () => {},
    abandon: () => {},
  }
}
