import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshRedis } from '../src/index.js'

const exec = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const names = await readdir(join(root, 'packages'))
/** What an example needs beside the package, as its README says. */
const PEERS: Readonly<Record<string, readonly string[]>> = { core: ['ioredis'] }

let folder = ''
let tarballs: readonly string[] = []

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plinth-alone-'))
  const { runPnpm } = await import(new URL('../../scripts/package-manager.mjs', import.meta.url).href)
  const { build } = await import(new URL('../../scripts/build.mjs', import.meta.url).href)
  const pack = ['--filter', './packages/*', 'pack', '--pack-destination', folder]
  for (const step of [() => build(['./packages/*']), () => runPnpm(pack, { quiet: true })]) {
    const { code, output } = await step()
    if (code !== 0) throw new Error(output)
  }
  tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  await Promise.all(names.map(async (name) => writeFile(join(folder, `${name}.ts`), await exampleOf(name))))
  const sources = names.map((name) => join(folder, `${name}.ts`))
  const options = ['--noCheck', '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2023']
  await exec(join(root, 'node_modules', '.bin', 'tsc'), [...options, '--outDir', join(folder, 'js'), ...sources], {
    cwd: folder,
  })
}, 300_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(names)(
  '%s, packed and installed into an empty project by itself, runs the example of its README',
  async (name) => {
    const project = join(folder, 'projects', name)
    await mkdir(project, { recursive: true })
    const own = [...(await closureOf(name))].map((each) => [`@plinth/${each}`, `file:${tarballOf(each)}`])
    const peers = (PEERS[name] ?? []).map((each) => [each, '*'])
    const dependencies = Object.fromEntries([...own, ...peers])
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
    await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: project })
    const code = await readFile(join(folder, 'js', `${name}.js`), 'utf8')
    await writeFile(join(project, 'example.js'), await withServers(code))
    const { stderr } = await exec(process.execPath, ['example.js'], { cwd: project, timeout: 120_000 })
    expect(stderr).toBe('')
  },
  300_000,
)

/** The first block of code in the README; a package that has none must at least be importable. */
async function exampleOf(name: string): Promise<string> {
  const readme = await readFile(join(root, 'packages', name, 'README.md'), 'utf8').catch(() => '')
  return /^```ts\n(?<code>[\s\S]*?)^```$/m.exec(readme)?.groups?.code ?? `import '@plinth/${name}'\n`
}

/** The package and every one of ours that it needs. */
async function closureOf(name: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
  found.add(name)
  const manifest = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const ours = dependency.startsWith('@plinth/') ? dependency.slice('@plinth/'.length) : undefined
    if (ours !== undefined && !found.has(ours)) await closureOf(ours, found)
  }
  return found
}

function tarballOf(name: string): string {
  const found = tarballs.find((file) => new RegExp(`^plinth-${name}-\\d`).test(file))
  if (found === undefined) throw new Error(`${name} was not packed.`)
  return join(folder, found)
}

/** An example names the usual port; here the server is on another one. */
async function withServers(code: string): Promise<string> {
  if (!code.includes('redis://127.0.0.1:6379')) return code
  return code.replaceAll('redis://127.0.0.1:6379', (await freshRedis()).url)
}
