import { runPnpm } from './package-manager.mjs'

/**
 * Builds with turbo, which skips what has not changed. Nothing is reported to anybody, and no daemon stays behind.
 * @param {readonly string[]} [filters] Such as `./apps/sample...`; everything when left out.
 */
export function build(filters = []) {
  const args = ['run', 'build', '--ui=stream', '--output-logs=errors-only', '--no-update-notifier']
  // Turbo calls pnpm by its name: pnpm puts itself on the PATH of what it executes.
  return runPnpm(['exec', 'turbo', ...args, ...filters.map((filter) => `--filter=${filter}`)], {
    quiet: true,
    env: { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  })
}
