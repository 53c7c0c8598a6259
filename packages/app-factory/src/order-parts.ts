import { MisconfiguredError } from '@plinth/core'
import type { Part } from './part.js'

/**
 * Sorts parts so that each stands after everything it depends on; otherwise the given order is kept.
 *
 * @throws MisconfiguredError for a name given twice, a dependency that does not exist, or a circle.
 */
export function orderParts(parts: readonly Part[]): readonly Part[] {
  const byName = new Map<string, Part>()
  for (const part of parts) {
    if (byName.has(part.name)) {
      throw new MisconfiguredError(`There are two components named "${part.name}". Rename one.`)
    }
    byName.set(part.name, part)
  }
  const ordered = new Set<Part>()
  const visit = (part: Part, path: readonly string[]): void => {
    if (ordered.has(part)) return
    if (path.includes(part.name)) {
      throw new MisconfiguredError(`Components depend on each other in a circle: ${[...path, part.name].join(' -> ')}.`)
    }
    for (const name of part.dependsOn ?? []) {
      const dependency = byName.get(name)
      if (dependency === undefined) {
        const names = [...byName.keys()].join(', ')
        throw new MisconfiguredError(
          `Component "${part.name}" depends on "${name}", which does not exist. There are: ${names}.`,
        )
      }
      visit(dependency, [...path, part.name])
    }
    ordered.add(part)
  }
  for (const part of parts) visit(part, [])
  return [...ordered]
}
