import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { slowestFirst } from './tooling/testing/src/slowest-first.js'

const conditions = ['@plinth/source', 'module', 'node', 'development']

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return slowestFirst(await super.sort(files), ({ moduleId }) => moduleId)
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@plinth/source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'tooling/*/test/**/*.test.ts'],
    globalSetup: ['tooling/testing/src/vitest-global-setup.ts'],
    setupFiles: ['tooling/testing/src/vitest-setup.ts'],
    pool: 'forks',
    maxWorkers: process.env.PLINTH_LONG === '1' ? 2 : 3, // the long forms keep many processes busy at once
    sequence: { sequencer: SlowestFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    passWithNoTests: true,
  },
})
