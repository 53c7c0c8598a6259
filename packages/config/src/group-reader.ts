import type { Fault } from './config-error.js'
import type { Origin } from './env-source.js'
import type { GroupReading } from './group.js'
import type { FieldReading } from './read-field.js'

type Keys = readonly string[]

/** The answers to a group's `check` and `resolve`, over what was read of its fields. */
export class GroupReader implements GroupReading<Readonly<Record<string, unknown>>> {
  readonly faults: Fault[] = []
  readonly warnings: Fault[] = []
  readonly #readings: Map<string, FieldReading>

  constructor(readings: ReadonlyMap<string, FieldReading>) {
    this.#readings = new Map(readings)
  }

  /** What was read, with what {@link supersede} noted. */
  get readings(): readonly FieldReading[] {
    return [...this.#readings.values()]
  }

  given(key: string): unknown {
    const { origin, value } = this.#reading(key)
    return origin.from === 'env' || origin.from === 'env-file' || origin.from === 'secret-file' ? value : undefined
  }

  shared(key: string): unknown {
    const { origin, value } = this.#reading(key)
    return origin.from === 'shared' ? value : undefined
  }

  variable(key: string): string {
    const { field, origin } = this.#reading(key)
    return 'variable' in origin ? origin.variable : field.env
  }

  fault(keys: Keys, problem: string, remedy: string): void {
    this.faults.push({ id: 'contradiction', subjects: keys.map((key) => this.variable(key)), problem, remedy })
  }

  warn(keys: Keys, problem: string, remedy: string): void {
    this.warnings.push({ id: 'doubtful', subjects: keys.map((key) => this.variable(key)), problem, remedy })
  }

  supersede(keys: Keys, by: string): void {
    const origin: Origin = { from: 'unused', because: `${this.variable(by)} is set` }
    for (const key of keys) {
      const { field } = this.#reading(key)
      this.#readings.set(key, { field, value: undefined, shown: '', origin })
    }
  }

  #reading(key: string): FieldReading {
    const reading = this.#readings.get(key)
    if (reading === undefined) throw new TypeError(`The group has no field "${key}"`)
    return reading
  }
}
