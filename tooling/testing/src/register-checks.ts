import { describe, expect, test } from 'vitest'

/** One promise of a contract, as data. Structurally the `Check` of `@plinth/core/checks`. */
export interface Check<Fixture> {
  /** The promise in plain words, such as `a value is gone after its deadline`. */
  readonly name: string
  /** Throws when the promise does not hold. */
  readonly run: (fixture: Fixture) => Promise<void>
}

/** What a maker of fixtures is lent. */
export interface FixtureScope {
  /** Has `close` called when the check is over, passed or not; last registered, first called. */
  onClose(close: () => unknown): void
}

/** Makes what a check runs against: called once for each check, so that none sees what another left. */
export type MakeFixture<Fixture> = (scope: FixtureScope) => Fixture | Promise<Fixture>

/** Registers one test for each check, each on a fixture of its own. */
export function registerChecks<Fixture>(
  checks: readonly Check<Fixture>[],
  makeFixture: MakeFixture<Fixture>,
  options: { readonly timeout?: number } = {},
): void {
  if (checks.length === 0) throw new Error('There is no check to register.')
  for (const check of checks) {
    test(check.name, { timeout: options.timeout ?? 20_000 }, () => runCheck(check, makeFixture))
  }
}

/** Broken implementations by what is broken in them, such as `forgets the tags of an entry`. */
export type BrokenFixtures<Fixture> = Readonly<Record<string, MakeFixture<Fixture>>>

/** How sabotage is run. */
export interface SabotageOptions {
  /** How long one check may take on a broken fixture before it counts as failed, in milliseconds. Default: 5 s. */
  readonly checkTimeout?: number
  /** How long all checks on one broken fixture may take together, in milliseconds. Default: 60 s. */
  readonly timeout?: number
}

/**
 * Registers tests of the checks themselves: each broken implementation fails at least one check, and each check is
 * failed by at least one broken implementation. A check that nothing fails proves nothing.
 */
export function registerSabotage<Fixture>(
  checks: readonly Check<Fixture>[],
  brokenFixtures: BrokenFixtures<Fixture>,
  { checkTimeout = 5_000, timeout = 60_000 }: SabotageOptions = {},
): void {
  describe('sabotage', () => {
    const caughtBy = new Map<string, string[]>()
    for (const [name, makeFixture] of Object.entries(brokenFixtures)) {
      test(`an implementation that ${name} is caught`, { timeout }, async () => {
        const failed = await failedChecks(checks, makeFixture, checkTimeout)
        caughtBy.set(name, failed)
        expect(failed, 'no check fails').not.toEqual([])
      })
    }
    test('every check is failed by some broken implementation', () => {
      const failed = new Set([...caughtBy.values()].flat())
      expect(checks.map((check) => check.name).filter((name) => !failed.has(name))).toEqual([])
    })
  })
}

/** The names of the checks that an implementation fails; one that does not end in `timeout` milliseconds has failed. */
export async function failedChecks<Fixture>(
  checks: readonly Check<Fixture>[],
  makeFixture: MakeFixture<Fixture>,
  timeout = 5_000,
): Promise<string[]> {
  const failed: string[] = []
  for (const check of checks) {
    try {
      await within(timeout, runCheck(check, makeFixture))
    } catch {
      failed.push(check.name)
    }
  }
  return failed
}

async function runCheck<Fixture>(check: Check<Fixture>, makeFixture: MakeFixture<Fixture>): Promise<void> {
  const closers: (() => unknown)[] = []
  try {
    const fixture = await makeFixture({ onClose: (close) => closers.unshift(close) })
    await check.run(fixture)
  } finally {
    for (const close of closers) await close()
  }
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
