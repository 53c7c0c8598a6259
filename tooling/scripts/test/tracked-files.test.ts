import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)

function linesMatching(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => {
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
  })
}

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
}

const testFiles = tracked.filter((path) => /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(path))

test('no test is skipped, focused or left for later', () => {
  expect(testFiles.length).toBeGreaterThan(0)
  const pattern =
    /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|skipIf|runIf|only|todo|fails)\b|\b[xf](?:it|describe)\(/
  expect(linesMatching(testFiles, pattern)).toEqual([])
})

test('vitest runs every test file that is tracked', () => {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const listed = execFileSync(process.execPath, [vitest, 'list', '--filesOnly', '--json'], {
    cwd: root,
    encoding: 'utf8',
  })
  const files: { file: string }[] = JSON.parse(listed)
  const found = new Set(files.map(({ file }) => relative(root, file).split(sep).join('/')))
  expect(testFiles.filter((path) => !found.has(path))).toEqual([])
})

test('no tracked file names a folder of the machine it was written on', () => {
  const roof = dirname(root.replace(/[/\\]$/, ''))
  const folders = [root, `${roof}/`, `${homedir()}/`].filter(
    (path) => path !== '//' && path !== '/' && path !== `${tmpdir()}/`,
  )
  const paths = tracked.filter((path) => path !== 'pnpm-lock.yaml')
  expect(folders.flatMap((folder) => linesMatching(paths, literally(folder)))).toEqual([])
})

test('no tracked file names the host of a package registry', () => {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).trim()
  const hosts = new Set([new URL(registry).host, ['registry', 'npmjs', 'org'].join('.')])
  expect([...hosts].flatMap((host) => linesMatching(tracked, literally(host)))).toEqual([])
})
