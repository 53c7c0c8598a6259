import { MisconfiguredError } from '@plinth/core'
import type { ComponentContext, ComponentDefinition } from '../component-definition.js'
import type { Part } from '../part.js'

/** Makes a part of a user's definition. */
export function userPart<Api>(definition: ComponentDefinition<string, Api>, context: ComponentContext): Part<Api> {
  const { name, required = false, backend, dependsOn } = definition
  const common = {
    name,
    required,
    ...(backend === undefined ? {} : { backend }),
    ...(dependsOn === undefined ? {} : { dependsOn }),
  }
  if (definition.enabled?.(context) === false) {
    if (definition.disabled === undefined) {
      throw new MisconfiguredError(
        `Component "${name}" is off but has no disabled() to stand in. Add one to its definition.`,
      )
    }
    return { ...common, enabled: false, api: definition.disabled(context) }
  }
  const api = definition.create(context)
  const { start, probe, stopIntake, drain, close } = definition
  return {
    ...common,
    enabled: true,
    api,
    ...(start && { start: (signal) => start.call(definition, api, signal) }),
    ...(probe && { probe: (signal) => probe.call(definition, api, signal) }),
    ...(stopIntake && { stopIntake: (signal) => stopIntake.call(definition, api, signal) }),
    ...(drain && { drain: (signal) => drain.call(definition, api, signal) }),
    ...(close && { close: (signal) => close.call(definition, api, signal) }),
  }
}
