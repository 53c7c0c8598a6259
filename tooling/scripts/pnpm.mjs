// Runs pnpm of the pinned version, with the arguments given, on a machine that may have none.
import { runPnpm } from './package-manager.mjs'

const { code } = await runPnpm(process.argv.slice(2))
process.exitCode = code
