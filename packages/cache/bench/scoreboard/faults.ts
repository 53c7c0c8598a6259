import type { Family, Player, Stage } from './player.js'

/** One row: whether a library stands a fault. `undefined` where it has no such operation, or no such fault can happen. */
export interface Fault {
  readonly name: string
  /** Where peers are put to it. */
  readonly where: 'redis' | 'cluster'
  run(stage: Stage): Promise<boolean | undefined>
}

/** An answer that takes longer is none. */
const ANSWER_MS = 2_000
/** Another process's copy in memory may be dropped this much later, should the library keep one. */
const ELSEWHERE_MS = 200
/** In every position: alone, first, between, last; and what such texts turn into when they are encoded carelessly. */
const SIGNS = ['*', '?', '[', ']', '{', '}', ':', '%', '\n']
const TEXTS: readonly string[] = [
  'a',
  'b',
  'ab',
  ...SIGNS.flatMap((sign) => [sign, `${sign}a`, `a${sign}b`, `a${sign}`]),
  '[ab]',
  '{a}b',
  '%2A',
  '%3A',
  '%0A',
  'a%3Ab',
]

/** A load ends then at the latest, for a library whose invalidations wait for loads. */
const LOAD_MS = 2_000

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function signal(): { readonly told: Promise<void>; tell(): void } {
  let tell = (): void => {}
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { told, tell }
}

type Pick = (player: Player) => Family | undefined

const byKey: Pick = (player) => ({ read: player.read, invalidate: () => player.remove('1') })
const byTag: Pick = (player) => player.tagged?.('the-tag')
const byPrefix: Pick = (player) => player.below?.('user')
const byClear: Pick = ({ read, clear }) => clear && { read, invalidate: clear }

/** A reader that began before an invalidation stores what it read; others read after it. */
function lateFill(name: string, pick: Pick): Fault {
  return {
    name: `late fill after ${name}`,
    where: 'redis',
    run: async (stage) => {
      const [reader, writer] = [pick(await stage.open('plain')), pick(await stage.open('plain'))]
      if (reader === undefined || writer === undefined) return undefined
      let row = 'old'
      const computing = signal()
      const invalidated = signal()
      const early = reader.read('1', async () => {
        const read = row
        computing.tell()
        await Promise.race([invalidated.told, sleep(LOAD_MS)])
        return read
      })
      await computing.told
      row = 'new'
      await writer.invalidate()
      invalidated.tell()
      await early
      const after = await writer.read('1', () => row)
      await sleep(ELSEWHERE_MS)
      return after === 'new' && (await reader.read('1', () => row)) === 'new'
    },
  }
}

/** Whether something cold is answered although the server is not there. */
function outage(name: string, begin: (stage: Stage) => Promise<unknown> | undefined): Fault {
  return {
    name: `${name}: an answer within ${ANSWER_MS / 1000} s`,
    where: 'redis',
    run: async (stage) => {
      if (stage.faults === undefined) return undefined
      const player = await stage.open('outage')
      await player.read('warm', () => 'loaded')
      await begin(stage)
      return answers(player)
    },
  }
}

async function answers(player: Player): Promise<boolean> {
  const answer = player.read('cold', () => 'loaded').then((value) => value === 'loaded')
  return Promise.race([answer.catch(() => false), sleep(ANSWER_MS).then(() => false)])
}

/** Whether every text has a value of its own, and keeps it when that of another is removed. */
async function keepApart(
  read: (text: string, compute: () => unknown) => Promise<unknown>,
  remove: (text: string) => Promise<unknown>,
): Promise<boolean> {
  const all = (holds: (text: string) => Promise<boolean>) =>
    Promise.all(TEXTS.map(holds)).then((verdicts) => verdicts.every(Boolean))
  for (const removed of ['*', 'a*', '?', '[ab]', '{a}b', '%', '\n']) {
    const own = (text: string) => read(text, () => `of ${text}`).then((value) => value === `of ${text}`)
    if (!(await all(own)) || !(await all(own))) return false
    await remove(removed)
    const expected = (text: string): string => (text === removed ? 'again' : `of ${text}`)
    if (!(await all(async (text) => (await read(text, () => 'again')) === expected(text)))) return false
    await remove(removed)
  }
  return true
}

/** Whether each value is a hit, and is what it was. */
async function hits(stage: Stage, values: readonly unknown[]): Promise<boolean> {
  const player = await stage.open('plain')
  for (const [index, value] of values.entries()) {
    await player.read(`v${index}`, () => value)
    await player.read(`v${index}`, () => value) // should the first not have been stored, on a busy machine
    if ((await player.read(`v${index}`, () => 'again')) !== value) return false
  }
  return true
}

/** What is stored on every node is gone, and what belongs to others is not. */
async function wipes(
  stage: Stage,
  wipe: (player: Player) => Promise<unknown> | undefined,
): Promise<boolean | undefined> {
  const [player, other] = [await stage.open('plain'), await stage.open('plain')]
  const keys = Array.from({ length: 60 }, (_, index) => `user:${index}`)
  await Promise.all(keys.map((key) => player.read(key, () => 'old')))
  const survives = await stage.foreign?.()
  const done = wipe(player)
  if (done === undefined || (await done) === 'not supported') return undefined
  const found = await Promise.all(keys.map((key) => other.read(key, () => 'new')))
  return found.every((value) => value === 'new') && ((await survives?.()) ?? true)
}

/** The rows of the scoreboard, in their order. */
export const faults: readonly Fault[] = [
  lateFill('delete', byKey),
  lateFill('tag', byTag),
  lateFill('prefix', byPrefix),
  lateFill('clear', byClear),
  {
    name: 'record of the tag evicted: what was invalidated stays so',
    where: 'redis',
    run: async (stage) => {
      const [player, other] = [byTag(await stage.open('plain')), byTag(await stage.open('plain'))]
      if (player === undefined || other === undefined || stage.evict === undefined) return undefined
      await player.read('1', () => 'old')
      await player.invalidate()
      await stage.evict('the-tag', 'old')
      // What is written in between must not bring a record back that is as good as the first.
      await player.read('2', () => 'other')
      return (await other.read('1', () => 'new')) === 'new'
    },
  },
  {
    name: 'clear on a cluster: all of it, nothing else',
    where: 'cluster',
    run: (stage) => wipes(stage, (player) => player.clear?.()),
  },
  {
    name: 'delete by pattern on a cluster',
    where: 'cluster',
    run: (stage) => wipes(stage, (player) => player.removeMatching?.('user:*')),
  },
  {
    name: `server away from the start: an answer within ${ANSWER_MS / 1000} s`,
    where: 'redis',
    run: async (stage) => {
      if (stage.openAway === undefined) return undefined
      const answer = stage.openAway().then(answers)
      return Promise.race([answer.catch(() => false), sleep(ANSWER_MS).then(() => false)])
    },
  },
  outage('server killed', (stage) => stage.faults?.kill()),
  outage('server silent (black hole)', (stage) => stage.faults?.silence()),
  outage('server frozen (SIGSTOP)', (stage) => stage.faults?.freeze()),
  {
    name: "arguments 'ab' and 'bA' are told apart",
    where: 'redis',
    run: async (stage) => {
      const cached = (await stage.open('plain')).cached?.((text) => `of ${text}`)
      return cached && (await cached('ab')) === 'of ab' && (await cached('bA')) === 'of bA'
    },
  },
  {
    name: 'user text as arguments, in every position',
    where: 'redis',
    run: async (stage) => {
      const cached = (await stage.open('plain')).cached?.((...texts) => `of ${JSON.stringify(texts)}`)
      if (cached === undefined) return undefined
      const pairs = TEXTS.flatMap((text) => [[text], [text, 'a'], ['a', text]])
      await Promise.all(pairs.map((texts) => cached(...texts)))
      const found = await Promise.all(pairs.map((texts) => cached(...texts)))
      return found.every((value, index) => value === `of ${JSON.stringify(pairs[index])}`)
    },
  },
  {
    name: 'user text in keys: each its own value, a delete means only its own',
    where: 'redis',
    run: async (stage) => {
      const player = await stage.open('plain')
      return keepApart(
        (text, compute) => player.read(`user:${text}`, compute),
        (text) => player.remove(`user:${text}`),
      )
    },
  },
  {
    name: 'user text in tags: an invalidation means only its own',
    where: 'redis',
    run: async (stage) => {
      const player = await stage.open('plain')
      if (player.tagged === undefined) return undefined
      const families = new Map(TEXTS.map((text) => [text, player.tagged?.(`user:${text}`)]))
      return keepApart(
        async (text, compute) => families.get(text)?.read(`key-${TEXTS.indexOf(text)}`, compute),
        async (text) => families.get(text)?.invalidate(),
      )
    },
  },
  {
    name: 'null, 0, empty text and false are hits',
    where: 'redis',
    run: (stage) => hits(stage, [null, 0, '', false]),
  },
  { name: "true stays true, '123' a text", where: 'redis', run: (stage) => hits(stage, [true, '123', 'true', 'null']) },
  {
    name: 'a returned object may be changed',
    where: 'redis',
    run: async (stage) => {
      const player = await stage.open('plain')
      for (let round = 0; round < 3; round++) {
        const value = (await player.read('o', () => ({ n: 1, list: [1] }))) as { n: number; list: number[] }
        if (value.n !== 1 || value.list.length !== 1) return false
        value.n = 2
        value.list.push(2)
      }
      return true
    },
  },
]
