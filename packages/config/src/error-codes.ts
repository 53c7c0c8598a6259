/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'CONFIG_INVALID',
    error: 'ConfigError',
    meaning: 'Environment variables or an option in code are wrong; `faults` lists them all.',
    remedy: 'Do what the message says for each fault.',
  },
]
