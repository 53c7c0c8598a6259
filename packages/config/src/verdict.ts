import { ConfigError, type Fault } from './config-error.js'
import type { ConfigSettings } from './config-section.js'
import type { EnvSource } from './env-source.js'
import type { SectionReading } from './read-section.js'
import type { Section } from './section.js'
import { findUnknownVariables, type KnownVariables } from './unknown-variables.js'

/** A section and what was read of it. */
export interface ReadPart {
  readonly part: Section<unknown>
  readonly reading: SectionReading
}

/** Gathers all that is wrong and all that is doubtful, as CONFIG_STRICT and CONFIG_IGNORE want it judged. */
export class Verdict {
  /** Faults by their text: a shared variable that is wrong is wrong once, however many components read it. */
  readonly #faults = new Map<string, Fault>()
  readonly #warnings = new Map<string, Fault>()
  readonly #accepted = new Set<string>()
  readonly #settings: Pick<ConfigSettings, 'strict' | 'ignore'>

  constructor(settings: Pick<ConfigSettings, 'strict' | 'ignore'>) {
    this.#settings = settings
  }

  /** What is doubtful and stands as a warning. */
  get warnings(): readonly Fault[] {
    return [...this.#warnings.values()]
  }

  /** What CONFIG_IGNORE let pass. */
  get ignored(): readonly string[] {
    return [...this.#accepted]
  }

  addFaults(faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.set(keyOf(fault), fault)
  }

  addWarnings(warnings: readonly Fault[]): void {
    if (this.#settings.strict) this.addFaults(warnings)
    else for (const warning of warnings) this.#warnings.set(keyOf(warning), warning)
  }

  /** Judges variables that look like ours and are read by nothing. */
  judgeUnknown(source: EnvSource, parts: readonly ReadPart[]): void {
    for (const { severity, fault } of findUnknownVariables(source, knownVariables(parts))) {
      if (this.#accepts(fault.subjects)) continue
      if (severity === 'fault') this.addFaults([fault])
      else this.addWarnings([fault])
    }
  }

  /** Judges shared variables, such as REDIS_URL, that are set while nothing that reads them is chosen. */
  judgeShared(source: EnvSource, parts: readonly ReadPart[]): void {
    const fields = parts.flatMap(({ reading }) => reading.fields)
    for (const name of new Set(fields.map(({ field }) => field.shared?.env))) {
      if (name === undefined || !source.names.has(name)) continue
      const readers = fields.filter(({ field }) => field.shared?.env === name)
      const reasons = new Set(readers.map(({ origin }) => (origin.from === 'unused' ? origin.because : undefined)))
      if (reasons.has(undefined) || this.#accepts([name])) continue
      const remedy = `Choose what reads it (${[...reasons].join('; ')}), or name it in CONFIG_IGNORE.`
      this.addWarnings([
        { id: 'unused-variable', subjects: [name], problem: 'is set, but nothing that is on reads it', remedy },
      ])
    }
  }

  /** Judges a section by its production rules. Rules on variables that are at fault themselves wait for their repair. */
  judgeProduction({ part, reading }: ReadPart): void {
    if (!reading.enabled) return
    const atFault = new Set(reading.faults.flatMap(({ subjects }) => subjects))
    for (const rule of part.rules) {
      if (rule.variables.some((variable) => atFault.has(variable)) || !rule.broken(reading.values)) continue
      if (this.#accepts([rule.id])) continue
      const remedy = `${rule.remedy} To accept it, set CONFIG_IGNORE=${rule.id}.`
      const fault: Fault = { id: rule.id, subjects: rule.variables, problem: rule.problem, remedy }
      if (rule.severity === 'fault') this.addFaults([fault])
      else this.addWarnings([fault])
    }
  }

  /** Judges the ids in CONFIG_IGNORE that silence nothing because they do not exist. */
  judgeIgnored(parts: readonly ReadPart[]): void {
    const rules = new Set(parts.flatMap(({ part }) => part.rules.map(({ id }) => id)))
    for (const id of this.#settings.ignore) {
      if (rules.has(id) || /^[A-Z][A-Z0-9_]*$/.test(id)) continue
      const remedy = 'Name production rules by their id and variables by their name, separated by commas.'
      this.addWarnings([
        { id: 'unknown-rule', subjects: ['CONFIG_IGNORE'], problem: 'names a rule that does not exist', remedy },
      ])
    }
  }

  /**
   * Throws all faults as one error. Its stack is its message: the place in the code has nothing to do with what is
   * wrong in the environment.
   */
  throwFaults(): void {
    if (this.#faults.size === 0) return
    const error = new ConfigError([...this.#faults.values()])
    error.stack = `${error.name}: ${error.message}`
    throw error
  }

  #accepts(names: readonly string[]): boolean {
    const accepted = names.filter((name) => this.#settings.ignore.includes(name))
    for (const name of accepted) this.#accepted.add(name)
    return accepted.length > 0
  }
}

function keyOf({ id, subjects, problem }: Fault): string {
  return [id, ...subjects, problem].join('\n')
}

function knownVariables(parts: readonly ReadPart[]): KnownVariables {
  const inEffect = new Map<string, boolean>()
  const misnomers = new Map<string, string>()
  const note = (name: string, effective: boolean): void => {
    inEffect.set(name, effective || inEffect.get(name) === true)
  }
  for (const { field, origin } of parts.flatMap(({ reading }) => reading.fields)) {
    const effective = origin.from !== 'unused'
    note(field.env, effective)
    if (field.shared !== undefined) note(field.shared.env, effective)
    for (const misnomer of field.misnomers ?? []) misnomers.set(misnomer, field.env)
  }
  return { inEffect, misnomers, prefixes: parts.flatMap(({ part }) => part.prefixes) }
}
