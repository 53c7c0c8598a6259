import { MisconfiguredError } from '@plinth/core'

/** The fault of asking for a backend that the factory cannot start yet. */
export function notAvailableYet(variable: string, value: string): MisconfiguredError {
  return new MisconfiguredError(`${variable}=${value} is not available yet. Unset it to use the embedded default.`)
}
