import { type Contestant, type ContestantMaker, type Counts, makeContestant } from './contestant.js'
import { type Spread, spreadOf } from './statistics.js'

/** One scenario in which this house runs beside its peers. */
export interface Comparison {
  /** What is done, such as `cache: hit in memory`. */
  readonly name: string
  readonly ours: ContestantMaker
  /** The others by their name, such as `bentocache`. */
  readonly peers: Readonly<Record<string, ContestantMaker>>
  /** Operations in one round. A round should take at least some ten milliseconds. */
  readonly ops: number
  /** Pairs of rounds that count, for each peer, after one that does not. At least 5, which is the default. */
  readonly pairs?: number
  /** How many times as fast as every peer this house means to be. It is printed beside the figure, met or not. */
  readonly target?: number
}

/** How this house did beside one peer in one scenario. */
export interface ComparisonRow {
  readonly scenario: string
  readonly peer: string
  readonly ops: number
  readonly pairs: number
  /** Operations in a second, the median of the rounds. */
  readonly oursPerSecond: number
  readonly peerPerSecond: number
  /** How many times as fast as the peer this house is, pair by pair: above 1 it is faster, below 1 slower. */
  readonly ratio: Spread
  /** What the ratio means to be, when the scenario says so. */
  readonly target?: number
  /** What one operation cost in the counters that a contestant reads. */
  readonly oursCounts?: Counts
  readonly peerCounts?: Counts
}

/** The fewest pairs from which a median says anything. */
export const fewestPairs = 5

/**
 * Measures this house against each peer in turn, alternating round by round (A, B, A, B, ...), so that both see the
 * same weather. Each side warms up first, the first pair is discarded, and every pair gives one ratio.
 */
export async function measure(
  { name, ours, peers, ops, pairs = fewestPairs, target }: Comparison,
  now: () => number = () => performance.now(),
): Promise<ComparisonRow[]> {
  const rows: ComparisonRow[] = []
  for (const [peer, maker] of Object.entries(peers)) {
    const a = await makeContestant(ours)
    try {
      const b = await makeContestant(maker)
      try {
        const aim = target === undefined ? {} : { target }
        rows.push({ scenario: name, peer, ops, pairs, ...aim, ...(await duel(a, b, { ops, pairs, now })) })
      } finally {
        await b.close?.()
      }
    } finally {
      await a.close?.()
    }
  }
  return rows
}

interface Duel {
  readonly ops: number
  readonly pairs: number
  readonly now: () => number
}

type DuelResult = Omit<ComparisonRow, 'scenario' | 'peer' | 'ops' | 'pairs' | 'target'>

async function duel(a: Contestant, b: Contestant, { ops, pairs, now }: Duel): Promise<DuelResult> {
  await timed(a, Math.ceil(ops / 4), now)
  await timed(b, Math.ceil(ops / 4), now)
  await timed(a, ops, now)
  await timed(b, ops, now)
  const [oursBefore, peerBefore] = [await a.counts?.(), await b.counts?.()]
  const oursTimes: number[] = []
  const peerTimes: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    oursTimes.push(await timed(a, ops, now))
    peerTimes.push(await timed(b, ops, now))
  }
  const [oursAfter, peerAfter] = [await a.counts?.(), await b.counts?.()]
  const perOperation = (before?: Counts, after?: Counts): Counts | undefined =>
    before && after && countsPerOperation(before, after, pairs * ops)
  const oursCounts = perOperation(oursBefore, oursAfter)
  const peerCounts = perOperation(peerBefore, peerAfter)
  return {
    oursPerSecond: perSecond(ops, oursTimes),
    peerPerSecond: perSecond(ops, peerTimes),
    ratio: spreadOf(oursTimes.map((time, pair) => (peerTimes[pair] ?? time) / time)),
    ...(oursCounts && { oursCounts }),
    ...(peerCounts && { peerCounts }),
  }
}

async function timed({ prepare, run }: Contestant, ops: number, now: () => number): Promise<number> {
  await prepare?.(ops)
  globalThis.gc?.()
  const start = now()
  await run(ops)
  // A round below the clock's resolution would divide by zero.
  return Math.max(now() - start, 1e-6)
}

function perSecond(ops: number, times: readonly number[]): number {
  return (ops / spreadOf(times).median) * 1_000
}

/** What `ops` operations added to each counter, for one of them; counters that did not move are left out. */
function countsPerOperation(before: Counts, after: Counts, ops: number): Counts {
  const moved = Object.entries(after).map(([name, count]) => [name, (count - (before[name] ?? 0)) / ops] as const)
  return Object.fromEntries(moved.filter(([, count]) => count > 0))
}
