import { defineConfig } from 'vitest/config'

/** A test run of its own, to be interrupted: its one test never ends. */
export default defineConfig({
  test: {
    include: ['hangs.ts'],
    globalSetup: ['../../src/vitest-global-setup.ts'],
    setupFiles: ['../../src/vitest-setup.ts'],
    pool: 'forks',
    testTimeout: 600_000,
  },
})
