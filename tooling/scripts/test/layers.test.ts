import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../layers.mjs', import.meta.url))
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-'))
})

afterEach(() => rmSync(root, { recursive: true }))

/** Writes the files of a small house, each package with an index and a `./redis` entry, and gives what the script says. */
function faultsOf(files: Readonly<Record<string, string>>): string[] {
  const names = new Set(Object.keys(files).map((path) => path.split('/').slice(0, 2).join('/')))
  const manifests = [...names].map((folder) => [`${folder}/package.json`, manifest(folder)] as const)
  for (const [path, text] of [...manifests, ...Object.entries(files)]) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { stderr, status } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
  const faults = stderr.trim().split('\n').filter(Boolean)
  expect(status).toBe(faults.length === 0 ? 0 : 1)
  return faults
}

function manifest(folder: string): string {
  const exports = {
    '.': { '@plinth/source': './src/index.ts' },
    './redis': { '@plinth/source': './src/backends/redis.ts' },
  }
  return JSON.stringify({ name: `@plinth/${folder.split('/')[1]}`, exports })
}

const sound = {
  'packages/config/src/index.ts': "export { a } from './a.js'",
  'packages/config/src/a.ts': 'export const a = 1',
  'packages/core/src/index.ts': "import { a } from '@plinth/config'\nexport { a }",
  'packages/cache/src/index.ts': "import type { a } from '@plinth/core'\nexport { b } from './cache.js'",
  'packages/cache/src/cache.ts': "import { b } from './backends/memory.js'\nexport { b }",
  'packages/cache/src/backends/memory.ts': 'export const b = 1',
  'packages/cache/src/backends/redis.ts': "import { Redis } from 'ioredis'",
  'packages/express/src/index.ts':
    "import { b } from '@plinth/cache'\nconst redis = await import('@plinth/cache/redis')",
  'packages/express/test/a.test.ts': "import '@plinth/testing'\nimport { createInfra } from '@plinth/app-factory'",
  'packages/app-factory/src/index.ts': "import type { Redis } from 'ioredis'",
  'apps/sample/src/main.ts': "import '@plinth/app-factory'",
  'tooling/testing/src/index.ts': 'export {}',
}

test('a sound house has no fault', () => {
  expect(faultsOf(sound)).toEqual([])
})

test.each([
  ['to the right', 'packages/config/src/b.ts', "import type { x } from '@plinth/core'", 'may not import @plinth/core'],
  [
    'sideways',
    'packages/express/src/a.ts',
    "export * from '@plinth/app-factory'",
    'may not import @plinth/app-factory',
  ],
  ['to the right in a test', 'packages/core/test/a.ts', "import '@plinth/cache'", 'may not import @plinth/cache'],
  ['of an app', 'packages/express/test/b.ts', "import '@plinth/sample'", 'nothing imports an app'],
  ['of the test kit in a source', 'packages/core/src/b.ts', "import '@plinth/testing'", 'sources do not import'],
  ['of a package in tooling', 'tooling/testing/src/b.ts', "import '@plinth/core'", 'tooling imports no package'],
  ['by a path', 'packages/core/src/b.ts', "import '../../config/src/a.js'", 'import it by its name'],
  ['of what is no entry', 'packages/core/src/b.ts', "import '@plinth/config/src/a'", 'is no entry'],
  ['of its own index', 'packages/core/src/b.ts', "import { a } from './index.js'", 'imports its index'],
  ['of nothing', 'packages/core/src/b.ts', "import { a } from './gone.js'", 'does not exist'],
  [
    'of an implementation',
    'packages/cache/src/b.ts',
    "await import('./backends/redis.js')",
    'imports an implementation',
  ],
])('an import %s is a fault', (_what, path, text, fault) => {
  const faults = faultsOf({ ...sound, [path]: text })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(fault)
})

test('a cycle is a fault, even of types only', () => {
  const files = {
    'packages/core/src/b.ts': "import type { c } from './c.js'",
    'packages/core/src/c.ts': "import './b.js'",
  }
  expect(faultsOf({ ...sound, ...files })).toEqual([
    'import cycle: packages/core/src/b.ts -> packages/core/src/c.ts -> packages/core/src/b.ts',
  ])
})

test('a main entry that loads a heavy client is a fault, also through another package', () => {
  const faults = faultsOf({ ...sound, 'packages/cache/src/backends/memory.ts': "import { type Redis } from 'ioredis'" })
  expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(['@plinth/cache', '@plinth/express'])
})
