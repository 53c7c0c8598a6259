/** One side of a comparison: does the work that is measured. */
export interface Contestant {
  /** Does `ops` operations, one after the other or as the scenario demands, and resolves when all are done. */
  readonly run: (ops: number) => void | Promise<void>
  /** Called before every round, unmeasured: lays out what `run` works on, such as the jobs that a worker is to take. */
  readonly prepare?: (ops: number) => void | Promise<void>
  /**
   * Reads counters that only grow, such as commands that a server has executed. They are read before and after the
   * measured rounds; the report shows the difference for one operation.
   */
  readonly counts?: () => Promise<Counts>
  /** Called once when the comparison is over. */
  readonly close?: () => void | Promise<void>
}

/** Counters by name. */
export type Counts = Readonly<Record<string, number>>

/** A contestant, or what makes one when its turn to be compared comes. */
export type ContestantMaker = Contestant | (() => Contestant | Promise<Contestant>)

/** Makes the contestant of `maker`. */
export async function makeContestant(maker: ContestantMaker): Promise<Contestant> {
  return typeof maker === 'function' ? maker() : maker
}
