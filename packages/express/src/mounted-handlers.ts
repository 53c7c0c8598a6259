import type { Express } from 'express'

/** A layer of a router, as Express keeps them. */
interface RouterLayer {
  readonly handle: { readonly stack?: readonly RouterLayer[] }
  readonly route?: { readonly stack?: readonly RouterLayer[] } | undefined
}

/** Every handler of an app, wherever routers hold them; not those of apps mounted in it. */
export function mountedHandlers(app: Express): readonly object[] {
  const { router } = app as unknown as { readonly router: { readonly stack: readonly RouterLayer[] } }
  return handlersOf(router.stack)
}

function handlersOf(stack: readonly RouterLayer[]): readonly object[] {
  return stack.flatMap(({ handle, route }) => [handle, ...handlersOf((route ?? handle).stack ?? [])])
}
