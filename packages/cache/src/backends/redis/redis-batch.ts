import type { RedisConnection } from '@plinth/core/redis'
import type { Address, StoredEntry } from '../../cache-backend.js'
import { newToken } from '../../new-token.js'
import { entryIn } from '../frame.js'
import type { RedisKeys } from './redis-keys.js'
import { CLAIM } from './scripts/claim.js'
import { runScript } from './scripts/script.js'

/** What the caller of a batch wants with a key; the modes of the script. */
export type BatchMode = 'r' | 'h' | 'n' | 'f' | 's'

/** The right to compute that a batch won. */
export interface Won {
  readonly token: string
  /** The store's time when the computation begins. */
  readonly begun: string
}

/** One question of a batch, and who is told the answer. */
export interface Question {
  readonly address: Address
  readonly mode: BatchMode
  readonly leaseMs: number
  readonly answer: (entry: StoredEntry | undefined, won: Won | undefined) => void
  readonly reject: (error: unknown) => void
}

/** How a {@link RedisBatch} reaches the server. */
export interface RedisBatchOptions {
  readonly connection: RedisConnection
  readonly keys: RedisKeys
  readonly deadlineMs: number
  readonly guardMs: number
}

/** More keys than this would keep the server from others for too long. */
const MAX_QUESTIONS = 256

/**
 * Puts all reads and claims of one turn of the event loop into one command.
 *
 * It is sent after the last microtask, so that nobody waits for it: a single caller pays nothing, and sixty-four callers pay for one
 * command and one deadline instead of sixty-four.
 */
export class RedisBatch {
  readonly #options: RedisBatchOptions
  #questions: Question[] = []

  constructor(options: RedisBatchOptions) {
    this.#options = options
  }

  ask(question: Question): void {
    if (this.#questions.length === 0) process.nextTick(() => this.#flush())
    this.#questions.push(question)
  }

  #flush(): void {
    const questions = this.#questions
    this.#questions = []
    for (let start = 0; start < questions.length; start += MAX_QUESTIONS) {
      void this.#send(questions.length <= MAX_QUESTIONS ? questions : questions.slice(start, start + MAX_QUESTIONS))
    }
  }

  async #send(questions: readonly Question[]): Promise<void> {
    const { connection, deadlineMs } = this.#options
    let answers: Buffer[]
    // Within a batch, a key is given to one asker at most.
    const token = newToken()
    try {
      const { keys, args } = this.#command(questions, token)
      answers = (await connection.run((client) => runScript(client, CLAIM, keys, args), { deadlineMs })) as Buffer[]
    } catch (error) {
      for (const { reject } of questions) reject(error)
      return
    }
    const now = Number((answers[questions.length] as Buffer).toString('latin1'))
    for (let index = 0; index < questions.length; index++) {
      hand(answers[index] as Buffer, now, token, questions[index] as Question)
    }
  }

  #command(
    questions: readonly Question[],
    token: string,
  ): { readonly keys: string[]; readonly args: (string | number)[] } {
    const { keys: names, guardMs } = this.#options
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
    return { keys, args: [names.clock, names.guardPrefix, guardMs, token, wishes, ...lists] }
  }
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

function hand(answer: Buffer, now: number, token: string, question: Question): void {
  const part = question.mode === 'h' ? 'head' : 'all'
  switch (answer[0]) {
    case 0x50: // P: a frame
      question.answer(entryIn(answer, now, part), undefined)
      break
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
