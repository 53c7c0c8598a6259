import type { Fault } from './config-error.js'
import type { Origin } from './env-source.js'

/** The kind of place an app runs in, from NODE_ENV: anything but `development` (or unset) and `test` is production. */
export type Mode = 'development' | 'test' | 'production'

/** One variable, what it is set to, and where that came from. */
export interface ExplainedVariable {
  /** The title of its section. */
  readonly section: string
  readonly variable: string
  /** The value as it may be shown: `[redacted]` for secrets, without credentials for URLs, empty when there is none. */
  readonly shown: string
  readonly origin: Origin
}

/** Where every value of a configuration came from. Holds no secret. */
export interface Explanation {
  readonly mode: Mode
  readonly variables: readonly ExplainedVariable[]
  /** What is legal and probably not meant. */
  readonly warnings: readonly Fault[]
  /** Production rules that are broken and were accepted by CONFIG_IGNORE. */
  readonly ignored: readonly string[]
}

const EXPLANATION: unique symbol = Symbol.for('@plinth/config/explanation') as never

/** Lets {@link explain} find the explanation of a configuration, without showing it among its sections. */
export function attachExplanation(config: object, explanation: Explanation): void {
  Object.defineProperty(config, EXPLANATION, { value: explanation })
}

/**
 * Tells where every value of a configuration came from, and what is doubtful about it.
 *
 * @throws TypeError for anything that `loadConfig` did not give.
 */
export function explain(config: object): Explanation {
  const { [EXPLANATION]: explanation } = config as { readonly [EXPLANATION]?: Explanation }
  if (explanation === undefined) throw new TypeError('Only what loadConfig gave can be explained')
  return explanation
}

/** Gives an explanation as lines to read: `CACHE_BACKEND=redis (from the environment)`. */
export function describeExplanation({ mode, variables, warnings, ignored }: Explanation): string {
  const lines = [`Mode: ${mode}`]
  let section = ''
  for (const variable of variables) {
    if (variable.section !== section) lines.push('', `# ${variable.section}`)
    section = variable.section
    lines.push(`${variable.variable}=${variable.shown} (${describeOrigin(variable)})`)
  }
  if (warnings.length > 0) lines.push('', '# Warnings')
  for (const { subjects, problem, remedy } of warnings) lines.push(`${subjects.join(' and ')} ${problem}. ${remedy}`)
  if (ignored.length > 0) lines.push('', `Accepted by CONFIG_IGNORE: ${ignored.join(', ')}`)
  return lines.join('\n')
}

function describeOrigin({ variable, origin }: ExplainedVariable): string {
  switch (origin.from) {
    case 'env':
      return 'from the environment'
    case 'env-file':
      return `from ${origin.file}${origin.variable === variable ? '' : `: ${origin.variable}`}`
    case 'secret-file':
    case 'shared':
      return `from ${origin.variable}`
    case 'default':
      return 'default'
    case 'unset':
      return 'not set'
    case 'unused':
      return `not used: ${origin.because}`
  }
}
