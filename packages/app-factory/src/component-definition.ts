import type { Logger } from '@plinth/core'

/** What a user component is given. */
export interface ComponentContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly logger: Logger
}

/**
 * A part of your own, run by the factory like the built-in ones: started within the budget, restarted in the background
 * after an outage, shown in health and in the start table, closed in order. It appears on the infra under its `name`.
 */
export interface ComponentDefinition<Name extends string = string, Api = unknown> {
  /** The property under which the infra carries it. Letters and digits, beginning with a letter; not one of the built-in names. */
  readonly name: Name
  /** Whether it is on. Off, {@link ComponentDefinition.disabled} stands in. Default on. */
  enabled?(context: ComponentContext): boolean
  /** Whether start and readiness depend on it. Default false: an outage only degrades. */
  readonly required?: boolean
  /** Names the backend in the start table and in health, such as `meilisearch`. */
  readonly backend?: string
  /** Names of components that close after this one and are there while it starts. */
  readonly dependsOn?: readonly string[]
  /** Assembles it without I/O, so that it exists whatever the network does. */
  create(context: ComponentContext): Api
  /** The same type, doing nothing. Needed when `enabled` can answer false. */
  disabled?(context: ComponentContext): Api
  /** Connects. A `MisconfiguredError` stops the app; an outage (`BackendUnavailableError`, a network error) is tried again in the background. */
  start?(api: Api, signal: AbortSignal): Promise<void>
  /** Asked every 15 s or so, and while it is down with growing pauses; rejects when the component is not well. */
  probe?(api: Api, signal: AbortSignal): Promise<void>
  /** Takes no new work. */
  stopIntake?(api: Api, signal: AbortSignal): Promise<void>
  /** Finishes the work it has. */
  drain?(api: Api, signal: AbortSignal): Promise<void>
  /** Lets go of everything. */
  close?(api: Api, signal: AbortSignal): Promise<void>
}

/** Types a component literal, so that the infra knows its name and its API. */
export function defineComponent<const Name extends string, Api>(
  definition: ComponentDefinition<Name, Api>,
): ComponentDefinition<Name, Api> {
  return definition
}
