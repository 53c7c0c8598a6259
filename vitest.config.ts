import { defineConfig } from 'vitest/config'

const conditions = ['@plinth/source', 'module', 'node', 'development']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@plinth/source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'tooling/*/test/**/*.test.ts'],
    globalSetup: ['tooling/testing/src/vitest-global-setup.ts'],
    setupFiles: ['tooling/testing/src/vitest-setup.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 90_000,
    passWithNoTests: true,
  },
})
