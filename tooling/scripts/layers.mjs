// Checks who imports whom: the layers of the packages, the layers inside a package, and that there are no cycles.
// Reads the import lines only, so it is quick; types count as imports, since a cycle of types is a cycle of meaning.
import { root } from './root.mjs'
import { entryOf, readSourceGraph, resolveImport } from './source-graph.mjs'

/** From left to right: a package imports only from further left, never from beside itself. */
const layers = [['config'], ['core'], ['cache', 'rate-limit', 'tasks', 'email'], ['express', 'fastify', 'app-factory']]

/** Optional peers: loaded through the subpath of their backend or when it is opened, never by a main entry. */
const heavyClients = ['ioredis', 'memjs', 'bullmq', 'amqplib', 'postmark', 'nodemailer']

/** Implementations of a contract: known to the entries of the package only. The embedded default is part of its component. */
const implementation = /\/src\/(?:backends|brokers|transports)\/(?!memory)/

/**
 * All faults of the import graph under `root`, as sentences.
 * @param {string} root
 * @returns {{ faults: string[], fileCount: number }}
 */
function findLayerFaults(root) {
  const graph = readSourceGraph(root)
  const faults = []
  for (const file of graph.files.values()) {
    for (const { specifier } of file.imports) {
      const fault = faultOfImport(graph, file, specifier)
      if (fault) faults.push(`${file.path}: ${fault}`)
    }
  }
  faults.push(...findCycles(graph).map((cycle) => `import cycle: ${cycle.join(' -> ')}`))
  faults.push(...findHeavyEntries(graph))
  return { faults, fileCount: graph.files.size }
}

function faultOfImport(graph, file, specifier) {
  const target = resolveImport(graph, file, specifier)
  const targetWorkspace = graph.files.get(target)?.workspace ?? workspaceOf(graph, specifier)
  if (targetWorkspace && targetWorkspace !== file.workspace) {
    if (specifier.startsWith('.')) return `reaches into ${targetWorkspace.name} by a path; import it by its name`
    if (target === undefined) return `${specifier} is no entry of ${targetWorkspace.name}`
    return faultBetween(file, targetWorkspace)
  }
  if (specifier.startsWith('.') && target === undefined && !/\.(?:json|sql|lua|html|css|mjs)$/.test(specifier)) {
    return `${specifier} does not exist`
  }
  return target === undefined ? undefined : faultInside(file, target)
}

function workspaceOf({ workspaces }, specifier) {
  return workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
}

function faultBetween(file, target) {
  const isSource = file.path.startsWith(`${file.workspace.folder}/src/`)
  const from = layerOf(file.workspace)
  const to = layerOf(target)
  if (target.folder.startsWith('apps/')) return `nothing imports an app (${target.name})`
  if (target.folder.startsWith('tooling/')) {
    return isSource && !file.workspace.folder.startsWith('tooling/')
      ? `sources do not import ${target.name}`
      : undefined
  }
  if (file.workspace.folder.startsWith('tooling/')) return `tooling imports no package (${target.name})`
  if (to < from || file.workspace.folder.startsWith('apps/')) return undefined
  // A test may stand two packages of one layer side by side, such as both adapters over the factory.
  if (to === from && !isSource) return undefined
  return `${file.workspace.name} may not import ${target.name}: it is not further left in ${describeLayers()}`
}

function layerOf({ folder }) {
  return layers.findIndex((names) => names.some((name) => folder === `packages/${name}`))
}

function describeLayers() {
  return layers.map((names) => names.join(', ')).join(' <- ')
}

function faultInside(file, target) {
  const { folder } = file.workspace
  if (!file.path.startsWith(`${folder}/src/`)) return undefined
  if (!target.startsWith(`${folder}/src/`)) return `sources import nothing outside src (${target})`
  if (target === `${folder}/src/index.ts`) return 'nothing inside a package imports its index'
  if (!implementation.test(target) || implementation.test(file.path) || isEntry(file)) return undefined
  return `only an entry of the package imports an implementation (${target})`
}

function isEntry({ path, workspace }) {
  return Object.keys(workspace.exports).some((entry) => entryOf(workspace, entry) === path)
}

/** One cycle for each file that closes one, found by walking depth first. */
function findCycles(graph) {
  const cycles = []
  const done = new Set()
  const walk = (path, trail) => {
    const start = trail.indexOf(path)
    if (start !== -1) cycles.push([...trail.slice(start), path])
    if (start !== -1 || done.has(path)) return
    const file = graph.files.get(path)
    for (const { specifier } of file?.imports ?? []) {
      const target = resolveImport(graph, file, specifier)
      if (target !== undefined) walk(target, [...trail, path])
    }
    done.add(path)
  }
  for (const path of graph.files.keys()) walk(path, [])
  return cycles
}

/** Which main entries load a heavy client, and along which files. */
function findHeavyEntries(graph) {
  return graph.workspaces
    .filter(({ folder }) => folder.startsWith('packages/'))
    .flatMap((workspace) => {
      const trail = trailToHeavy(graph, entryOf(workspace, '.'), [], new Set())
      return trail ? [`${workspace.name} loads a heavy client when it is imported: ${trail.join(' -> ')}`] : []
    })
}

function trailToHeavy(graph, path, trail, seen) {
  const file = graph.files.get(path)
  if (!file || seen.has(path)) return undefined
  seen.add(path)
  for (const { specifier, loads, lazy } of file.imports) {
    if (!loads || lazy) continue
    if (heavyClients.some((name) => specifier === name || specifier.startsWith(`${name}/`))) {
      return [...trail, path, specifier]
    }
    const found = trailToHeavy(graph, resolveImport(graph, file, specifier), [...trail, path], seen)
    if (found) return found
  }
  return undefined
}

const { faults, fileCount } = findLayerFaults(process.argv[2] ?? root)
for (const fault of faults) console.error(fault)
if (faults.length === 0) console.log(`layers: ${fileCount} files, every import goes left, no cycles`)
process.exitCode = faults.length === 0 ? 0 : 1
