import { ConfigError } from '@plinth/config'
import { InfraError } from '@plinth/core'

/** Runs a main. What a person can mend is told in its own words, without a stack; exit code 1. */
export async function startUp(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof ConfigError || error instanceof InfraError ? error.message : error)
    process.exitCode = 1
  }
}
