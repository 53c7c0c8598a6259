import type { Fault } from './config-error.js'
import type { EnvSource, Finding, Origin } from './env-source.js'
import type { Field } from './field.js'
import { showValue } from './show-value.js'

/** What became of one variable. */
export interface FieldReading {
  readonly field: Field<unknown>
  /** Its value; when it is unset its default, when it is invalid what was probably meant. */
  readonly value: unknown
  /** The value as it may be shown. */
  readonly shown: string
  readonly origin: Origin
  readonly fault?: Fault
}

/**
 * Reads one variable: its own text, else the shared variable's, else its default.
 *
 * @param because the condition by which a required variable is required, for the fault.
 */
export function readField(field: Field<unknown>, source: EnvSource, because?: string): FieldReading {
  const own = source.find(field.env)
  if (isFound(own)) return interpret(field, own)
  const replaced = field.sharedUnless?.some((name) => isFound(source.find(name))) === true
  if (field.shared !== undefined && !replaced) {
    const shared = source.find(field.shared.env)
    if (isFound(shared)) return interpret(field, shared, field.shared.env)
  }
  const reading = absent(field)
  return field.required ? { ...reading, fault: missingVariable(field, because) } : reading
}

/** The reading of a variable that is not in effect. */
export function unusedField(field: Field<unknown>, because: string): FieldReading {
  return { ...absent(field), origin: { from: 'unused', because } }
}

/** The fault of a variable that must be set. */
export function missingVariable(field: Field<unknown>, because?: string): Fault {
  const example = field.secret || field.example === undefined ? '' : `, for example ${field.env}=${field.example}`
  return {
    id: 'missing',
    subjects: [field.env],
    problem: because === undefined ? 'must be set' : `must be set with ${because}`,
    remedy: `Set ${field.env}, or ${field.env}_FILE to the path of a file that holds it${example}.`,
  }
}

function isFound(finding: Finding): boolean {
  return finding.text !== undefined || finding.fault !== undefined
}

function absent(field: Field<unknown>): FieldReading {
  const { fallback } = field
  if (fallback === undefined) return { field, value: undefined, shown: '', origin: { from: 'unset' } }
  return { field, value: fallback.value, shown: fallback.shown, origin: { from: 'default' } }
}

function interpret(field: Field<unknown>, finding: Finding, shared?: string): FieldReading {
  const { text = '', origin = { from: 'unset' }, fault } = finding
  if (fault !== undefined) return { ...absent(field), fault }
  const variable = 'variable' in origin ? origin.variable : field.env
  const parsed = field.parse(text, variable)
  if (parsed.ok) {
    const from: Origin = shared === undefined ? origin : { from: 'shared', variable }
    return { field, value: parsed.value, shown: parsed.shown, origin: from }
  }
  const got = isQuotable(field, text, origin) ? ` (got ${showValue(text)})` : ''
  const reading = absent(field)
  return {
    ...reading,
    value: parsed.guess ?? reading.value,
    fault: { id: 'invalid', subjects: [variable], problem: `${parsed.problem}${got}`, remedy: parsed.remedy },
  }
}

/** A URL or an address in the wrong place may hold a password or name a person; the content of a file is never shown. */
function isQuotable(field: Field<unknown>, text: string, origin: Origin): boolean {
  return !field.secret && origin.from !== 'secret-file' && !/@|:\/\//.test(text)
}
