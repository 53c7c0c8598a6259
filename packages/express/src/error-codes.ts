/** The error codes of this package, for `docs/errors.md`: none of its own. What is wrong with how it is used is `MISCONFIGURED`, of core. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = []
