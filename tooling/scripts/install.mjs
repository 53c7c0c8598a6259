import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPnpm, runPnpm } from './package-manager.mjs'
import { root } from './root.mjs'
import { say, stop } from './say.mjs'

const stampFile = join(root, 'node_modules', '.plinth-installed')

/** Ends with a sentence when this Node is older than the one that package.json asks for. */
export function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '')
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number)
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return
  stop(`Node ${wanted} or newer is needed; this is ${process.versions.node}. See https://nodejs.org/en/download`)
}

/** Installs what the lockfile says, unless that was already done for this very lockfile and these manifests. */
export async function installDependencies() {
  const stamp = stampOfInputs()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const { how } = await findPnpm()
  say(`installing dependencies (${how})`)
  const { code, output } = await runPnpm(['install', '--frozen-lockfile', '--prefer-offline'], { quiet: true })
  if (code !== 0) stop(`the installation failed:\n${output.trim().split('\n').slice(-20).join('\n')}`)
  writeFileSync(stampFile, stamp)
}

/** What decides over the content of node_modules: the lockfile, every manifest, and the version of Node. */
function stampOfInputs() {
  const manifests = ['packages', 'apps', 'tooling'].flatMap((group) => manifestsIn(group))
  const hash = createHash('sha256').update(process.versions.modules)
  for (const path of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    hash.update(path).update(readFileSync(join(root, path)))
  }
  return hash.digest('hex')
}

function manifestsIn(group) {
  if (!existsSync(join(root, group))) return []
  return readdirSync(join(root, group))
    .map((name) => join(group, name, 'package.json'))
    .filter((path) => existsSync(join(root, path)))
    .sort()
}
