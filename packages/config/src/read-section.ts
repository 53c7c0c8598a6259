import { describeCondition, holds } from './condition.js'
import type { Fault } from './config-error.js'
import type { EnvSource } from './env-source.js'
import type { Group } from './group.js'
import { GroupReader } from './group-reader.js'
import { type FieldReading, missingVariable, readField, unusedField } from './read-field.js'
import { fieldsOf, isGroup, type Section } from './section.js'

/** What reading a section found out. */
export interface SectionReading {
  readonly enabled: boolean
  readonly values: Readonly<Record<string, unknown>>
  readonly fields: readonly FieldReading[]
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** Reads everything of a section that is in effect; what is wrong is reported, never thrown. */
export function readSection(part: Section<unknown>, source: EnvSource): SectionReading {
  return new SectionReader(part, source).read()
}

class SectionReader {
  readonly #part: Section<unknown>
  readonly #source: EnvSource
  readonly #values: Record<string, unknown> = {}
  readonly #fields: FieldReading[] = []
  readonly #faults: Fault[] = []
  readonly #warnings: Fault[] = []

  constructor(part: Section<unknown>, source: EnvSource) {
    this.#part = part
    this.#source = source
  }

  read(): SectionReading {
    const enabled = this.#readSwitch()
    if (enabled) this.#readMembers()
    else this.#skipMembers()
    return {
      enabled,
      values: this.#values,
      fields: this.#fields,
      faults: this.#faults,
      warnings: this.#warnings,
    }
  }

  /** A switch that cannot be read counts as on, so that whatever else is wrong is reported with it. */
  #readSwitch(): boolean {
    const { switch: master } = this.#part
    if (master === undefined) return true
    const enabled = this.#note(readField(master, this.#source)) !== false
    this.#values.enabled = enabled
    return enabled
  }

  #skipMembers(): void {
    const because = `${this.#part.switch?.env}=false`
    for (const { field } of fieldsOf(this.#part)) {
      if (field !== this.#part.switch) this.#note(unusedField(field, because))
    }
    for (const [key, member] of Object.entries(this.#part.members)) {
      this.#values[key] = isGroup(member) ? undefined : member.fallback?.value
    }
  }

  #readMembers(): void {
    const members = Object.entries(this.#part.members)
    for (const [key, member] of members) {
      this.#values[key] = isGroup(member) ? undefined : this.#note(readField(member, this.#source))
    }
    this.#requireByCondition()
    for (const [key, member] of members) if (isGroup(member)) this.#values[key] = this.#readGroup(member)
  }

  #requireByCondition(): void {
    for (const { field, origin, fault } of this.#fields) {
      const { requiredWhen } = field
      const isSet = origin.from !== 'unset' && origin.from !== 'default'
      if (isSet || fault !== undefined || requiredWhen === undefined || !holds(requiredWhen, this.#values)) continue
      this.#faults.push(missingVariable(field, describeCondition(this.#part, requiredWhen)))
    }
  }

  #readGroup({ when, fields, check, resolve }: Group<unknown>): unknown {
    const condition = describeCondition(this.#part, when)
    if (!holds(when, this.#values)) {
      for (const field of Object.values(fields)) this.#note(unusedField(field, `only with ${condition}`))
      return undefined
    }
    const readings = Object.entries(fields).map(
      ([key, field]) => [key, readField(field, this.#source, condition)] as const,
    )
    const reader = new GroupReader(new Map(readings))
    check(reader)
    const valid = reader.faults.length === 0 && readings.every(([, { fault }]) => fault === undefined)
    const values = Object.fromEntries(readings.map(([key, { value }]) => [key, value]))
    const result = valid ? resolve(values, reader) : undefined
    for (const reading of reader.readings) this.#note(reading)
    this.#faults.push(...reader.faults)
    this.#warnings.push(...reader.warnings)
    return result
  }

  #note(reading: FieldReading): unknown {
    this.#fields.push(reading)
    if (reading.fault !== undefined) this.#faults.push(reading.fault)
    return reading.value
  }
}
