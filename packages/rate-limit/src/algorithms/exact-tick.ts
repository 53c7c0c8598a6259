const EXACT = 2 ** 53

/**
 * The unit of time, in microseconds, in which `sliding` divides its window: 1, 1,000 or 1,000,000.
 *
 * The finest in which twice the quota times the window stays exact in a double, because Redis scripts count in doubles
 * too. Answers `undefined` when there is none.
 */
export function exactTick(quota: number, windowMs: number): number | undefined {
  const window = windowMs * 1000
  return [1, 1000, 1_000_000].find((tick) => window % tick === 0 && 2 * quota * (window / tick) <= EXACT)
}
