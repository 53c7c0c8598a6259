// pnpm check: everything besides the tests that must hold before a change lands. Every phase runs; one line each.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { checkNode, installDependencies } from './install.mjs'
import { runPnpm } from './package-manager.mjs'
import { root } from './root.mjs'
import { run, runInstalled } from './run.mjs'

const script = (name) => join(root, 'tooling', 'scripts', name)
const quiet = { quiet: true }

const phases = [
  ['format and lint', () => runInstalled('biome', ['check', '.', '--error-on-warnings'], quiet)],
  ['layers and cycles', () => run(process.execPath, [script('layers.mjs')], quiet)],
  ['types', () => runPnpm(['run', '--silent', 'types'], quiet)],
  ['unused files, exports and dependencies', () => runInstalled('knip', ['--no-progress', '--no-config-hints'], quiet)],
  ['build', () => build()],
  ['packed packages', checkPackedPackages],
  ['generated files', checkGenerated],
]

checkNode()
await installDependencies()
const failed = []
for (const [name, phase] of phases) {
  const { code, output, ms } = await phase()
  console.log(`check: ${name}: ${code === 0 ? 'ok' : 'FAILED'} (${(ms / 1_000).toFixed(1)} s)`)
  if (code === 0) continue
  console.log(output.trim())
  failed.push(name)
}
if (failed.length > 0) console.log(`check: failed: ${failed.join('; ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

/** What users install is the tarball: its exports, files and types are checked as they would find them. */
async function checkPackedPackages() {
  if (failed.includes('build')) return { code: 1, output: 'not packed: the build failed', ms: 0 }
  const start = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'plinth-pack-'))
  const packages = readdirSync(join(root, 'packages')).filter((name) =>
    existsSync(join(root, 'packages', name, 'package.json')),
  )
  const pack = ['--filter', './packages/*', 'pack', '--pack-destination', folder]
  const packed = await runPnpm(pack, quiet)
  const faults = packed.code === 0 ? [] : [packed.output]
  const tarballs = readdirSync(folder)
  if (packed.code === 0 && tarballs.length !== packages.length) {
    faults.push(`${tarballs.length} tarballs of ${packages.length} packages`)
  }
  for (const tarball of tarballs) faults.push(...(await faultsOf(join(folder, tarball))))
  rmSync(folder, { recursive: true })
  return { code: faults.length === 0 ? 0 : 1, output: faults.join('\n'), ms: performance.now() - start }
}

async function faultsOf(tarball) {
  const results = await Promise.all([
    runInstalled('publint', ['run', tarball, '--strict'], quiet),
    // The registry is not asked, and only the ways in which an ESM package can be imported count.
    runInstalled('attw', [tarball, '--profile', 'esm-only', '--no-definitely-typed', '--no-emoji'], quiet),
  ])
  return results.filter(({ code }) => code !== 0).map(({ output }) => output)
}

async function checkGenerated() {
  if (!existsSync(script('generate.mjs'))) return { code: 0, output: '', ms: 0 }
  return run(process.execPath, [script('generate.mjs'), '--check'], quiet)
}
