import type { Address } from '../../cache-backend.js'
import { Frame } from '../frame.js'
import type { Cell, Cells } from './cells.js'

/** What stands at a key, judged by its guards. */
export interface Look {
  readonly cell: Cell | undefined
  /** Absent for what is foreign, too. */
  readonly frame: Frame | undefined
  /** Whether no guard changed since it was begun. */
  readonly valid: boolean
  /** Whether it is a valid entry that may be answered in some case. */
  readonly usable: boolean
  /** The store's time, if asked for. */
  readonly time: string
  /** The guards of the address whose stamps are missing. */
  readonly missing: readonly string[]
}

/** Reads a cell and the stamps of the guards its caller knows of; those that only the entry knows of cost a second round trip. */
export async function look(cells: Cells, { key, guards }: Address, withTime: boolean): Promise<Look> {
  const [cell, { values, time }] = await Promise.all([cells.get(key), cells.stamps(guards, withTime)])
  const frame = cell && Frame.parse(cell.bytes)
  const missing = guards.filter((_, index) => values[index] === undefined)
  if (frame === undefined) return { cell, frame, valid: false, usable: false, time, missing }
  const known = new Map(guards.map((guard, index) => [guard, values[index]]))
  const unknown = frame.guards.filter((guard) => !known.has(guard))
  if (unknown.length > 0) {
    const more = await cells.stamps(unknown, false)
    for (const [index, guard] of unknown.entries()) known.set(guard, more.values[index])
  }
  const { begun } = frame
  const valid = frame.guards.every((guard) => holds(known.get(guard), begun))
  return { cell, frame, valid, usable: valid && frame.usable(cells.now()), time, missing }
}

/** Whether a guard is what it was: a stamp that is missing counts as changed. */
export function holds(stamp: string | undefined, begun: string): boolean {
  return stamp !== undefined && stamp <= begun
}
