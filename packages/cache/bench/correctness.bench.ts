import { writeFileSync } from 'node:fs'
import { altogether, document, ourTable, peerTable, type Row } from './scoreboard/document.js'
import { type Fault, faults } from './scoreboard/faults.js'
import { judge, type Verdict } from './scoreboard/judge.js'
import { ourContenders } from './scoreboard/ours.js'
import { peerContenders } from './scoreboard/peers.js'
import type { Contender } from './scoreboard/player.js'
import { ClusterStages } from './scoreboard/stages.js'

/**
 * The correctness scoreboard. Fails when ours does not stand a fault on one of its backends.
 *
 * `--write` writes docs/cache-correctness.md; `--ours` leaves the peers out; any other argument picks the faults whose names contain it.
 */
const flags = process.argv.slice(2)
const picked = flags.filter((flag) => !flag.startsWith('--'))
const wanted = faults.filter(({ name }) => picked.length === 0 || picked.some((part) => name.includes(part)))

const { error: complain } = console
console.error = (first: unknown, ...rest: unknown[]) => {
  if (!String(first).startsWith('[ioredis]')) complain(first, ...rest) // errors of connections that peers make themselves
}
process.on('unhandledRejection', () => {}) // some clients reject where nobody listens
process.on('uncaughtException', (error) => console.error('uncaught, in some client:', error.message))

const clusters = new ClusterStages()

async function verdicts(fault: Fault, contenders: readonly Contender[]): Promise<Record<string, Verdict>> {
  const found: Record<string, Verdict> = Object.fromEntries(contenders.map(({ name }) => [name, 'n/a']))
  const ask = async (contender: Contender): Promise<void> => {
    found[contender.name] = await judge(fault, contender)
  }
  // On one cluster they would be in each other's way: some clear more than what is theirs.
  if (fault.where === 'cluster') for (const contender of contenders) await ask(contender)
  else await Promise.all(contenders.map(ask))
  return found
}

const rows: Row[] = []
for (const fault of wanted) {
  const others = flags.includes('--ours') ? [] : peerContenders(clusters, fault.where)
  rows.push({
    fault: fault.name,
    ours: await verdicts(fault, ourContenders(clusters)),
    peers: await verdicts(fault, others),
  })
  console.log(`${fault.name}: ${JSON.stringify({ ...rows.at(-1)?.ours, ...rows.at(-1)?.peers })}`)
}
await clusters.close()

console.log(`\n${ourTable(rows)}\n`)
if (!flags.includes('--ours')) console.log(`${peerTable(rows)}\n`)
if (flags.includes('--write') && picked.length === 0) {
  writeFileSync(new URL('../../../docs/cache-correctness.md', import.meta.url), document(rows))
}
const failed = rows.filter(({ ours }) => altogether(ours) === 'no').map(({ fault }) => fault)
if (failed.length > 0) console.error(`Ours does not stand: ${failed.join('; ')}`)
process.exit(failed.length === 0 ? 0 : 1) // clients of peers that cannot be ended would keep it
