import { MisconfiguredError } from '@plinth/core'
import { type KeyTemplate, parseTemplate } from '../keys/template.js'
import type { RequestFacts } from './request-facts.js'

/** A key or tag with placeholders that a request fills, read once: `post:{id}`, `feed:{user.id}:{query.page}`. */
export interface RouteTemplate {
  /** As it was written: safe for logs, unlike a filled one. */
  readonly source: string
  /** The same for the cache: every placeholder a plain name. */
  readonly template: KeyTemplate
  readonly placeholders: readonly RoutePlaceholder[]
  /** Whether it names the caller, and so separates one caller's answers from another's. */
  readonly namesUser: boolean
}

/** Where the value of a placeholder comes from. */
export interface RoutePlaceholder {
  readonly from: 'params' | 'query' | 'user'
  readonly name: string
  /** What stands for it in the cache's template. */
  readonly alias: string
}

/** Values of placeholders by alias, as the cache takes them: always text, a list of texts, or `null` for what is absent. */
export type TemplateValues = Record<string, string | readonly string[] | null>

const PLACEHOLDER = /\{([^{}]*)\}/g
const KNOWN = /^(?:[\w*-]+|query\.[^.]+|user\.(?:id|role))$/

/**
 * Reads a template: `{name}` is a parameter of the route, `{query.name}` one of the query, `{user.id}` and `{user.role}` the caller.
 *
 * @throws MisconfiguredError when a placeholder has no known form. @throws CacheKeyError when the cache cannot use it.
 */
export function parseRouteTemplate(source: string): RouteTemplate {
  const placeholders: RoutePlaceholder[] = []
  const text = source.replaceAll(PLACEHOLDER, (whole, inner: string) => {
    if (!KNOWN.test(inner)) {
      throw new MisconfiguredError(
        `The template "${source}" holds ${whole}, which is no placeholder. Write {name} for a parameter, {query.name}, {user.id} or {user.role}.`,
      )
    }
    const [first = '', second] = inner.split('.')
    const alias = `${first}_${second ?? ''}`.replaceAll(/[^\w]/g, '$')
    const from = second === undefined ? 'params' : first === 'query' ? 'query' : 'user'
    placeholders.push({ from, name: second ?? first, alias })
    return `{${alias}}`
  })
  const namesUser = placeholders.some(({ from, name }) => from === 'user' && name === 'id')
  return { source, template: parseTemplate(text), placeholders, namesUser }
}

/** Fills a template from a request. @throws MisconfiguredError when the route has no such parameter. */
export function fillRouteTemplate(route: RouteTemplate, facts: RequestFacts): string {
  const values: TemplateValues = {}
  collectValues(route, facts, values)
  return route.template.render(values)
}

/**
 * Adds what a request gives for the placeholders of a template.
 *
 * @throws MisconfiguredError when the route has no such parameter.
 */
export function collectValues(
  { source, placeholders }: RouteTemplate,
  facts: RequestFacts,
  into: TemplateValues,
): void {
  for (const { from, name, alias } of placeholders) {
    if (from === 'user') into[alias] = (name === 'id' ? facts.principal?.id : facts.principal?.role) ?? null
    else if (from === 'query') into[alias] = queryValue(facts.query, name)
    else if (name in facts.params) into[alias] = facts.params[name] ?? null
    else throw unknownParameter(source, name, facts)
  }
}

function queryValue(query: string, name: string): string | readonly string[] | null {
  const values = new URLSearchParams(query).getAll(name)
  return values.length > 1 ? values : (values[0] ?? null)
}

function unknownParameter(source: string, name: string, { route, params }: RequestFacts): MisconfiguredError {
  const known = Object.keys(params).map((param) => `{${param}}`)
  return new MisconfiguredError(
    `The template "${source}" asks for {${name}}, but the route ${route} has ${known.length === 0 ? 'no parameters' : known.join(', ')}. Correct the template, or use {query.${name}}.`,
  )
}
