import { newToken } from '../../new-token.js'
import { entryIn } from '../frame.js'
import type { FreshKeys } from './fresh-keys.js'
import type { Question, RedisBatchOptions } from './question.js'
import { CLAIM } from './scripts/claim.js'
import { runScript } from './scripts/script.js'
import { GUARD_MS } from './stamp-bounds.js'

/** Asks everything by one script, and tells whoever asked; never rejects. */
export async function askByScript(
  questions: readonly Question[],
  options: RedisBatchOptions,
  fresh: FreshKeys,
): Promise<void> {
  const { connection, deadlineMs } = options
  let answers: Buffer[]
  // Within a batch, a key is given to one asker at most.
  const token = newToken()
  const askedAt = performance.now()
  try {
    const { keys, args } = command(questions, options, token)
    answers = (await connection.run((client) => runScript(client, CLAIM, keys, args), { deadlineMs })) as Buffer[]
  } catch (error) {
    for (const { reject } of questions) reject(error)
    return
  }
  const now = Number((answers[questions.length] as Buffer).toString('latin1'))
  fresh.clockRead(now, askedAt)
  for (let index = 0; index < questions.length; index++) {
    hand(answers[index] as Buffer, now, token, questions[index] as Question, fresh)
  }
}

function command(
  questions: readonly Question[],
  { keys: names }: RedisBatchOptions,
  token: string,
): { readonly keys: string[]; readonly args: (string | number)[] } {
  const keys: string[] = []
  const guards = new Places()
  const terms = new Places()
  const lists: (string | number)[] = []
  let wishes = ''
  for (const { address, mode, leaseMs } of questions) {
    keys.push(names.entry(address.key))
    const joined = address.guards.join('\n')
    const term = `${leaseMs} ${joined}`
    const known = terms.size
    wishes += mode + terms.of(term)
    if (terms.size > known) lists.push(leaseMs, joined, address.guards.map((guard) => guards.of(guard)).join(''))
  }
  for (const guard of guards.names()) keys.push(names.guard(guard))
  return { keys, args: [names.clock, names.guardPrefix, GUARD_MS, token, wishes, ...lists] }
}

/** Numbers things in the order of their first sight; a number is two printable signs. */
class Places {
  readonly #places = new Map<string, string>()

  get size(): number {
    return this.#places.size
  }

  of(name: string): string {
    let place = this.#places.get(name)
    if (place === undefined) {
      const number = this.#places.size
      place = String.fromCharCode(48 + (number >> 6), 48 + (number & 63))
      this.#places.set(name, place)
    }
    return place
  }

  names(): Iterable<string> {
    return this.#places.keys()
  }
}

function hand(answer: Buffer, now: number, token: string, question: Question, fresh: FreshKeys): void {
  const part = question.mode === 'h' ? 'head' : 'all'
  switch (answer[0]) {
    case 0x50: {
      // P: a frame
      const entry = entryIn(answer, now, part)
      if (entry !== undefined && entry.freshForMs > 0) {
        fresh.saw(question.address.key, now + entry.freshForMs, entry.guards)
      }
      question.answer(entry, undefined)
      break
    }
    case 0x42: // B: busy
      question.answer(answer.length === 1 ? undefined : entryIn(answer.subarray(1), now, part), undefined)
      break
    case 0x4c: // L: leased
      question.answer(answer.length === 17 ? undefined : entryIn(answer.subarray(17), now, part), {
        token,
        begun: answer.toString('latin1', 1, 17),
      })
      break
    default:
      question.answer(undefined, undefined)
  }
}
