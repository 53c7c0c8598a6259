import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

/**
 * @typedef {object} Import
 * @property {string} specifier As written.
 * @property {boolean} loads False for `import type` and `export type`, which are gone after the build.
 * @property {boolean} lazy True for `import()`: loaded when the line runs, not when the file is.
 *
 * @typedef {object} SourceFile
 * @property {string} path From the root of the repository, with `/`.
 * @property {Workspace} workspace
 * @property {readonly Import[]} imports
 *
 * @typedef {object} Workspace
 * @property {string} name Such as `@plinth/core`.
 * @property {string} folder From the root of the repository, with `/`.
 * @property {Record<string, unknown>} exports
 */

/**
 * Reads every TypeScript file of the workspaces under `root`.
 * @param {string} root
 * @returns {{ workspaces: Workspace[], files: Map<string, SourceFile> }}
 */
export function readSourceGraph(root) {
  const workspaces = ['packages', 'apps', 'tooling'].flatMap((group) => workspacesIn(root, group))
  const files = new Map()
  for (const workspace of workspaces) {
    for (const path of typescriptIn(join(root, workspace.folder))) {
      const name = relative(root, path).split(sep).join('/')
      files.set(name, { path: name, workspace, imports: parseImports(readFileSync(path, 'utf8')) })
    }
  }
  return { workspaces, files }
}

function workspacesIn(root, group) {
  const folder = join(root, group)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'package.json')))
    .map((name) => {
      const manifest = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
      return { name: manifest.name, folder: `${group}/${name}`, exports: manifest.exports ?? {} }
    })
}

const skipped = new Set(['node_modules', 'dist', '.turbo', 'coverage'])

function* typescriptIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !skipped.has(entry.name)) yield* typescriptIn(path)
    else if (entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts')) yield path
  }
}

const importPattern =
  /^[ \t]*(?:import|export)\b(?<type>[ \t]+type\b(?![ \t]*(?:,|from\b)))?(?:[\w$*, \t]*(?:\{[^{}'"`]*\})?[ \t\n]*\bfrom)?[ \t\n]*(?<quote>['"])(?<static>[^'"\n]+)\k<quote>|\bimport\([ \t\n]*(['"])(?<dynamic>[^'"\n]+)\4/gm

/**
 * The imports and re-exports of TypeScript `source`, in order.
 * @param {string} source
 * @returns {Import[]}
 */
export function parseImports(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^[ \t]*\/\/.*$/gm, '')
  return [...code.matchAll(importPattern)].map(({ groups }) => ({
    specifier: groups.static ?? groups.dynamic,
    loads: groups.type === undefined,
    lazy: groups.dynamic !== undefined,
  }))
}

/**
 * The file of this repository that `specifier` means when `file` imports it; `undefined` for one from outside.
 * @param {{ workspaces: Workspace[], files: Map<string, SourceFile> }} graph
 * @param {SourceFile} file
 * @param {string} specifier
 * @returns {string | undefined}
 */
export function resolveImport({ workspaces, files }, file, specifier) {
  if (specifier.startsWith('.')) {
    const path = resolve('/', dirname(file.path), specifier).slice(1).split(sep).join('/')
    return [path.replace(/\.js$/, '.ts'), path, `${path}.ts`, `${path}/index.ts`].find((each) => files.has(each))
  }
  const workspace = workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  if (!workspace) return undefined
  return entryOf(workspace, `.${specifier.slice(workspace.name.length)}`)
}

/**
 * The source file behind one entry of a workspace's `exports`, such as `./redis`.
 * @param {Workspace} workspace
 * @param {string} entry
 * @returns {string | undefined}
 */
export function entryOf(workspace, entry) {
  const target = workspace.exports[entry]
  const source = typeof target === 'string' ? target : target?.['@plinth/source']
  return source?.endsWith('.ts') ? `${workspace.folder}/${source.replace(/^\.\//, '')}` : undefined
}
