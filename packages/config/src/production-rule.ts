/**
 * Something that is fine on a developer's machine and a mistake in production, checked when the mode is `production`.
 *
 * `CONFIG_IGNORE` silences it by its id.
 */
export interface ProductionRule<Values> {
  /** Begins with `prod-`: `prod-email-transport`. Stable, because people write it into `CONFIG_IGNORE`. */
  readonly id: string
  /** A fault stops the start, a warning does not. */
  readonly severity: 'fault' | 'warning'
  /** The variables that decide it. */
  readonly variables: readonly string[]
  /** What is wrong, following the variables' names. */
  readonly problem: string
  /** What to do instead of silencing it. */
  readonly remedy: string
  /** Whether a valid, enabled section breaks it. */
  broken(values: Values): boolean
}
