// pnpm bench [package:]name ... [--quick] [--write] [--json FILE]: runs benchmarks, all of them when none is named.
// --write lets those that belong to a document write it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './root.mjs'

const { values, positionals } = parseArgs({
  // pnpm hands the `--` of `pnpm bench leaks -- --write` on, which would make names of all options after it
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})

function findBenchmarks() {
  const packages = join(root, 'packages')
  return readdirSync(packages).flatMap((name) => {
    const folder = join(packages, name, 'bench')
    const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.bench.ts')) : []
    return files.map((file) => ({ id: `${name}:${file.replace('.bench.ts', '')}`, file: join(folder, file) }))
  })
}

function isWanted({ id }) {
  const [packageName, name] = id.split(':')
  return positionals.length === 0 || positionals.some((wanted) => [id, packageName, name].includes(wanted))
}

const all = findBenchmarks()
const wanted = all.filter(isWanted)
if (wanted.length === 0) {
  console.error(`No such benchmark. There are: ${all.map(({ id }) => id).join(', ') || 'none yet'}`)
  process.exit(1)
}

const [busy = 0] = loadavg()
if (!values.quick && busy > 0.5) {
  console.log(
    `bench: the machine is busy (load ${busy.toFixed(1)} on ${availableParallelism()} cores); figures will spread`,
  )
}
const scratch = mkdtempSync(join(tmpdir(), 'plinth-bench-'))
const rowsFile = join(scratch, 'rows')
const failed = []
for (const { id, file } of wanted) {
  console.log(`bench: ${id}`)
  const node = [
    '--import',
    'tsx',
    '--conditions=@plinth/source',
    '--expose-gc',
    file,
    ...(values.write ? ['--write'] : []),
  ]
  const env = { ...process.env, PLINTH_BENCH_ROWS: rowsFile, ...(values.quick && { PLINTH_BENCH_QUICK: '1' }) }
  const { status } = spawnSync(process.execPath, node, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) failed.push(id)
}

if (values.json) {
  const rows = existsSync(rowsFile)
    ? readFileSync(rowsFile, 'utf8')
        .trim()
        .split('\n')
        .map((row) => JSON.parse(row))
    : []
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism(), load: busy }
  writeFileSync(resolve(values.json), `${JSON.stringify({ machine, quick: values.quick, rows }, undefined, 2)}\n`)
  console.log(`bench: ${rows.length} rows written to ${values.json}`)
}
rmSync(scratch, { recursive: true })
if (failed.length > 0) {
  console.error(`bench: failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
