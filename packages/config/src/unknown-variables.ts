import type { Fault } from './config-error.js'
import { nearest } from './edit-distance.js'
import type { EnvSource } from './env-source.js'

/** What is known about variables, to judge the others by. */
export interface KnownVariables {
  /** Every variable of every section, and whether it is in effect. */
  readonly inEffect: ReadonlyMap<string, boolean>
  /** Other names by which people call a variable. */
  readonly misnomers: ReadonlyMap<string, string>
  /** Beginnings of names that are ours. */
  readonly prefixes: readonly string[]
}

/** A variable that nobody reads. */
export interface UnknownVariable {
  readonly severity: 'fault' | 'warning'
  readonly fault: Fault
}

/**
 * Finds variables that look like ours and are not: misspelt ones, and unknown ones with our prefixes.
 *
 * Misspelling what is in effect is a fault, because something else than what was meant would run. A name that only
 * resembles one of ours without its prefix may belong to somebody else, so it is a warning.
 */
export function* findUnknownVariables(source: EnvSource, known: KnownVariables): Generator<UnknownVariable> {
  for (const name of source.names) {
    if (known.inEffect.has(name) || known.inEffect.has(name.replace(/_FILE$/, ''))) continue
    const upper = name.toUpperCase()
    const ours = known.prefixes.some((prefix) => upper.startsWith(prefix))
    if (ours && isServiceLink(name, source)) continue
    const guess = suggest(upper, ours, known)
    if (!ours && (guess === undefined || upper !== name)) continue
    const severe = ours && guess !== undefined && known.inEffect.get(guess.replace(/_FILE$/, '')) === true
    yield {
      severity: severe ? 'fault' : 'warning',
      fault: {
        id: 'unknown-variable',
        subjects: [name],
        problem: 'is not a variable that anything reads',
        remedy: `${guess === undefined ? 'Remove it' : `Did you mean ${guess}? If not, remove it`}, or name it in CONFIG_IGNORE if something else reads it.`,
      },
    }
  }
}

function suggest(upper: string, ours: boolean, known: KnownVariables): string | undefined {
  const misnomer = known.misnomers.get(upper)
  if (misnomer !== undefined) return misnomer
  const ending = upper.endsWith('_FILE') ? '_FILE' : ''
  const stem = upper.slice(0, upper.length - ending.length)
  const limit = ours || stem.length >= 12 ? 2 : stem.length >= 8 ? 1 : 0
  const guess = limit === 0 ? undefined : nearest(stem, known.inEffect.keys(), limit)
  return guess === undefined ? undefined : `${guess}${ending}`
}

/** Kubernetes describes a service called `cache` as CACHE_SERVICE_HOST, CACHE_PORT=tcp://…, CACHE_PORT_6379_TCP_ADDR. */
function isServiceLink(name: string, source: EnvSource): boolean {
  if (/_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$/.test(name)) return true
  return name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(source.find(name).text ?? '')
}
