/**
 * Gives how many letters must be inserted, deleted, replaced or swapped with their neighbour to turn one text into the
 * other, or `limit + 1` when it is more than `limit` (optimal string alignment distance).
 */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  let older: number[] = []
  let old: number[] = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const cell = (line: number[], back: number): number => line[column - back] ?? Number.POSITIVE_INFINITY
      const same = from[row - 1] === to[column - 1]
      let best = Math.min(cell(old, 0) + 1, cell(current, 1) + 1, cell(old, 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped) best = Math.min(best, cell(older, 2) + 1)
      current.push(best)
    }
    if (Math.min(...current) > limit) return limit + 1
    older = old
    old = current
  }
  return Math.min(old[to.length] ?? limit + 1, limit + 1)
}

/** Gives the candidate that differs least from `text`, and by no more than `limit`; the first of equals. */
export function nearest<Candidate extends string>(
  text: string,
  candidates: Iterable<Candidate>,
  limit: number,
): Candidate | undefined {
  let best: Candidate | undefined
  let bound = limit
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate, bound)
    if (distance > bound) continue
    best = candidate
    bound = distance - 1
    if (bound < 0) break
  }
  return best
}
