import type { Cell, Cells } from './cells.js'

/** Writes a cell unless somebody else wrote since `seen` was read; answers whether it did. */
export function replace(
  cells: Cells,
  key: string,
  seen: Cell | undefined,
  frame: { readonly bytes: Buffer; readonly ttlMs: number },
): Promise<boolean> {
  return seen === undefined
    ? cells.add(key, frame.bytes, frame.ttlMs)
    : cells.swap(key, seen.version, frame.bytes, frame.ttlMs)
}

/** Lets others go first after a step that somebody was faster at: a moment, by chance, longer each round. */
export function pause(round: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(20, round)))
}
