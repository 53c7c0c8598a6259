/**
 * One promise of a contract, as data: it passes or throws.
 *
 * A conformance suite is a list of these, published beside its contract and run against every implementation.
 */
export interface Check<Fixture> {
  /** The promise in plain words, such as `a value is gone after its deadline`. */
  readonly name: string
  /** Throws (an `AssertionError`, usually) when the promise does not hold. */
  readonly run: (fixture: Fixture) => Promise<void>
}
