import { type ConfigSettings, configSection } from './config-section.js'
import { deepFreeze } from './deep-freeze.js'
import { type Env, EnvSource } from './env-source.js'
import { attachExplanation, type ExplainedVariable, type Mode } from './explanation.js'
import { readSection } from './read-section.js'
import type { Section, ValuesOf } from './section.js'
import { type ReadPart, Verdict } from './verdict.js'

/** Sections by the names that their values get. */
export type Sections = Readonly<Record<string, Section<unknown>>>

/** A configuration: the values of every section, deeply frozen. */
export type Config<Parts extends Sections> = { readonly [Key in keyof Parts]: ValuesOf<Parts[Key]> }

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions<Parts extends Sections> {
  /** The environment, usually `process.env`. Read, never changed. */
  readonly env: Env
  readonly sections: Parts
  /**
   * `.env` files to read too, such as `['.env', '.env.local']`: later files win over earlier ones, the environment over
   * all. Files that do not exist are passed over, and in tests (NODE_ENV=test, or VITEST set) all are. Default none.
   */
  readonly envFiles?: readonly string[]
  /** Judges as if NODE_ENV said so. */
  readonly mode?: Mode
}

/**
 * Reads and checks the variables of all sections, and gives their values.
 *
 * Depends on nothing but its options (and the files that they and `X_FILE` variables name), and changes nothing.
 * `explain` tells where each value came from.
 *
 * @throws ConfigError with everything that is wrong, listed together; its message is all that an operator needs.
 */
export function loadConfig<const Parts extends Sections>(options: LoadConfigOptions<Parts>): Config<Parts> {
  const { env, sections, envFiles } = options
  const inTests = modeOf(env.NODE_ENV) === 'test' || isSet(env.VITEST)
  const source = new EnvSource(env, inTests ? [] : envFiles)
  const own = { part: configSection, reading: readSection(configSection, source) }
  const settings = own.reading.values as unknown as ConfigSettings
  const mode = options.mode ?? modeOf(settings.environment)
  const parts = Object.entries(sections).map(([key, part]) => ({ key, part, reading: readSection(part, source) }))
  const all: readonly ReadPart[] = [own, ...parts]

  const verdict = new Verdict(settings)
  verdict.addFaults(source.faults)
  for (const { reading } of all) {
    verdict.addFaults(reading.faults)
    verdict.addWarnings(reading.warnings)
  }
  verdict.judgeUnknown(source, all)
  verdict.judgeShared(source, all)
  if (mode === 'production') for (const part of parts) verdict.judgeProduction(part)
  verdict.judgeIgnored(all)
  verdict.throwFaults()

  const config = Object.fromEntries(parts.map(({ key, reading }) => [key, reading.values]))
  const { warnings, ignored } = verdict
  attachExplanation(config, deepFreeze({ mode, variables: all.flatMap(explainVariables), warnings, ignored }))
  return deepFreeze(config) as Config<Parts>
}

function explainVariables({ part, reading }: ReadPart): ExplainedVariable[] {
  return reading.fields.map(({ field, shown, origin }) => ({ section: part.title, variable: field.env, shown, origin }))
}

function modeOf(environment: string | undefined): Mode {
  if (!isSet(environment)) return 'development'
  const name = environment.trim()
  return name === 'development' || name === 'test' ? name : 'production'
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== ''
}
