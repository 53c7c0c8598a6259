import type { ChangedGuard, Inspection } from '../cache-backend.js'
import { entryIn, Frame } from './frame.js'

/** Says what is known about a key from its bytes and the stamps of its guards. */
export async function inspectFrame(
  bytes: Buffer | undefined,
  now: number,
  stampsOf: (guards: readonly string[]) => Promise<readonly (string | null | undefined)[]>,
): Promise<Inspection> {
  if (bytes === undefined) return { state: 'absent', leased: false, changed: [] }
  const frame = Frame.parse(bytes)
  if (frame === undefined) return { state: 'undecodable', leased: false, changed: [] }
  const { guards } = frame
  const stamps = guards.length === 0 ? [] : await stampsOf(guards)
  const changed = guards.flatMap((guard, index) => changeOf(guard, stamps[index] ?? undefined, frame.begun))
  const leased = changed.length === 0 && frame.leased(now)
  if (!frame.isEntry) return { state: 'absent', leased, changed: [] }
  const entry = entryIn(bytes, now)
  const state = changed.length > 0 ? 'invalidated' : stateOf(frame, now)
  return { state, leased, changed, ...(entry === undefined ? {} : { entry }) }
}

function changeOf(guard: string, stamp: string | undefined, begun: string): ChangedGuard[] {
  if (stamp === undefined) return [{ guard }]
  // The store's time follows the server's clock in microseconds.
  return stamp > begun ? [{ guard, at: Math.floor(Number(stamp) / 1000) }] : []
}

function stateOf(frame: Frame, now: number): Inspection['state'] {
  if (frame.fresh(now)) return 'fresh'
  return frame.usable(now) ? 'stale' : 'expired'
}
