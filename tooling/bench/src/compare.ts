import { type Comparison, type ComparisonRow, fewestPairs, measure } from './measure.js'
import { publishRows } from './publish-rows.js'

/** Set by `pnpm bench --quick`: proves that a benchmark runs, and says nothing about speed. */
const quickVariable = 'PLINTH_BENCH_QUICK'

/**
 * Measures one scenario beside its peers, prints its table and gives the rows.
 *
 * A file `packages/NAME/bench/WHAT.bench.ts` calls it at its top level, once for each scenario;
 * `pnpm bench NAME:WHAT` runs that file.
 */
export async function compare(comparison: Comparison): Promise<ComparisonRow[]> {
  const { ops, pairs = fewestPairs } = comparison
  const isQuick = process.env[quickVariable] === '1'
  const rows = await measure({
    ...comparison,
    ops: isQuick ? Math.max(1, Math.floor(ops / 100)) : ops,
    pairs: isQuick ? 1 : Math.max(pairs, fewestPairs),
  })
  publishRows(rows)
  return rows
}
