/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'START_FAILED',
    error: 'StartError',
    meaning: 'The app cannot start: mistakes, bugs, or required components that are away. `faults` lists them all.',
    remedy: 'Mend each fault that the message lists.',
  },
  {
    code: 'UNKNOWN_COMPONENT',
    error: 'InfraError',
    meaning: 'A component of this name does not exist.',
    remedy: 'Use one of the names in the message.',
  },
]
