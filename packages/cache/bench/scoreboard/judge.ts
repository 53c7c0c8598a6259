import type { Fault } from './faults.js'
import type { Contender, Player, Stage } from './player.js'

/** What became of a fault: stood, not stood, or no such operation or fault. */
export type Verdict = 'yes' | 'no' | 'n/a'

/** No fault takes longer; a library that has not answered by then has not stood it. */
const LIMIT_MS = 30_000

/** A client of a dead server may never end. */
const CLOSE_MS = 1_000

/** Puts a library to one fault, on a stage of its own. What it throws counts as not stood. */
export async function judge(fault: Fault, contender: Contender): Promise<Verdict> {
  const stage = await contender.stage()
  const players: Player[] = []
  const remembered = async (opening: Promise<Player>): Promise<Player> => {
    const player = await opening
    players.push(player)
    return player
  }
  const { openAway } = stage
  const watched: Stage = {
    ...stage,
    open: (setup) => remembered(stage.open(setup)),
    ...(openAway && { openAway: () => remembered(openAway()) }),
  }
  try {
    const stood = await within(LIMIT_MS, fault.run(watched), false)
    return stood === undefined ? 'n/a' : stood ? 'yes' : 'no'
  } catch {
    return 'no'
  } finally {
    await within(CLOSE_MS, Promise.allSettled(players.map((player) => player.close?.())), [])
    await stage.close()
  }
}

async function within<Answer>(ms: number, work: Promise<Answer>, otherwise: Answer): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
