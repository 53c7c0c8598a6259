// Writes the generated files (.env.example, docs/configuration.md, docs/errors.md), or with --check tells which are stale.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root } from './root.mjs'

const FLAGS = ['--import', 'tsx', '--conditions=@plinth/source']
const self = fileURLToPath(import.meta.url)

if (process.argv[1] === self && !process.execArgv.includes(FLAGS.at(-1))) {
  const child = spawnSync(process.execPath, [...FLAGS, self, ...process.argv.slice(2)], { stdio: 'inherit', cwd: root })
  process.exitCode = child.status ?? 1
} else {
  await generate(process.argv.includes('--check'))
}

async function generate(checking) {
  const { describeEnvExample, describeMarkdown } = await load('packages/config/src/index.ts')
  const { sections } = await load('packages/app-factory/src/config.ts')
  const files = {
    '.env.example': describeEnvExample(sections),
    'docs/configuration.md': describeMarkdown(sections),
    'docs/errors.md': describeErrors(await errorCodes()),
  }
  const stale = Object.keys(files).filter((file) => read(file) !== files[file])
  for (const file of stale) if (!checking) writeFileSync(join(root, file), files[file])
  if (stale.length === 0) console.log('generated files are fresh')
  else if (!checking) console.log(`wrote ${stale.join(', ')}`)
  else {
    console.error(`stale: ${stale.join(', ')}. Run: node tooling/scripts/generate.mjs`)
    process.exitCode = 1
  }
}

/** The tables that packages keep of their own error codes: `errorCodes` in `src/error-codes.ts`. */
async function errorCodes() {
  const files = readdirSync(join(root, 'packages'))
    .sort()
    .map((name) => ({ name, file: `packages/${name}/src/error-codes.ts` }))
    .filter(({ file }) => existsSync(join(root, file)))
  const tables = files.map(async ({ name, file }) => ({ name, codes: (await load(file)).errorCodes }))
  return Promise.all(tables)
}

function describeErrors(tables) {
  const head = `# Errors

Every error that Plinth throws has a \`code\`, says whether it is \`retryable\`, and names the remedy in its message. Codes are stable.
`
  const parts = tables.map(({ name, codes }) => {
    const rows = codes.map(
      ({ code, error, meaning, remedy }) => `| \`${code}\` | \`${error}\` | ${meaning} | ${remedy} |`,
    )
    return [`## @plinth/${name}`, '', '| code | class | meaning | remedy |', '|---|---|---|---|', ...rows, ''].join(
      '\n',
    )
  })
  return [head, ...parts].join('\n')
}

function load(file) {
  return import(pathToFileURL(join(root, file)).href)
}

function read(file) {
  const path = join(root, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
