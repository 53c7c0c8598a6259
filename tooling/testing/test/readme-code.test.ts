import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

// Code that users copy must compile: every `ts` block of a README or guide is type-checked as a module of its own; a block
// marked `ts continued` belongs to the one before it.
const root = fileURLToPath(new URL('../../..', import.meta.url))
const scratch = mkdtempSync(join(root, '.readme-check-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function documents(): string[] {
  const tracked = execFileSync('git', ['ls-files', '*README.md', 'docs/guides/*.md'], { cwd: root, encoding: 'utf8' })
  return tracked.split('\n').filter((file) => file !== '' && !file.startsWith('tooling/'))
}

interface Block {
  readonly line: number
  code: string
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  for (const match of markdown.matchAll(/^```ts( continued)?\n(.*?)^```$/gms)) {
    const code = match[2] ?? ''
    const last = blocks.at(-1)
    if (match[1] !== undefined && last !== undefined) last.code += code
    else blocks.push({ line: markdown.slice(0, match.index).split('\n').length + 1, code })
  }
  return blocks
}

test('every TypeScript block of the READMEs and guides compiles', () => {
  const files: string[] = []
  for (const document of documents()) {
    for (const { line, code } of blocksOf(readFileSync(join(root, document), 'utf8'))) {
      const file = join(scratch, `${document.replaceAll(/[^\w]/g, '_')}_line_${line}.ts`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, `${code}\nexport {}\n`)
      files.push(file)
    }
  }
  expect(files.length).toBeGreaterThan(0)
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({ extends: '../tsconfig.json', compilerOptions: { jsx: 'react-jsx' }, include: ['*.ts'] }),
  )
  let output = ''
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', scratch], {
      cwd: scratch,
      encoding: 'utf8',
    })
  } catch (error) {
    output = String((error as { stdout?: unknown }).stdout)
  }
  expect(output).toBe('')
}, 180_000)
