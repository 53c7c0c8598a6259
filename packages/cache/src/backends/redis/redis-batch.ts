import { askByScript } from './ask-by-script.js'
import { FreshKeys } from './fresh-keys.js'
import type { Question, RedisBatchOptions } from './question.js'
import { type Expected, readFresh } from './read-fresh.js'

/** More keys in one command would keep the server from others, and this process from the answers that are there already. */
const MOST_AT_ONCE = 64

/**
 * Puts the reads and claims of one turn of the event loop into few commands.
 *
 * They are sent once all that this turn brought has been looked at, requests on other connections too: a single caller pays next to
 * nothing, and sixty-four callers pay for one command and one deadline instead of sixty-four. What was seen fresh is read by a plain `MGET` of entry and guards, which costs the server a
 * tenth of the script; everything else, and what turns out not to be fresh, is asked by the script, which takes the lease as well.
 */
export class RedisBatch {
  /** What is expected to be fresh. */
  readonly fresh: FreshKeys = new FreshKeys()
  readonly #options: RedisBatchOptions
  #questions: Question[] = []

  constructor(options: RedisBatchOptions) {
    this.#options = options
  }

  ask(question: Question): void {
    if (this.#questions.length === 0) setImmediate(this.#flush)
    this.#questions.push(question)
  }

  readonly #flush = (): void => {
    const questions = this.#questions
    this.#questions = []
    // The script tells the time, too.
    const now = this.fresh.clockKnown ? this.fresh.serverNow() : undefined
    const others: Question[] = []
    const expected: Expected[] = []
    for (const question of questions) {
      const { mode, address } = question
      const mayExpect = now !== undefined && (mode === 'n' || mode === 'r')
      const expectation = mayExpect ? this.fresh.expect(address.key, now) : undefined
      if (expectation === undefined) others.push(question)
      else expected.push({ question, expectation })
    }
    for (const some of chunks(expected)) void this.#read(some)
    this.#askByScript(others)
  }

  async #read(expected: readonly Expected[]): Promise<void> {
    try {
      const left = await readFresh(expected, this.#options, this.fresh)
      if (left.length > 0) this.#askByScript(left)
    } catch (error) {
      for (const { question } of expected) question.reject(error)
    }
  }

  #askByScript(questions: readonly Question[]): void {
    for (const some of chunks(questions)) void askByScript(some, this.#options, this.fresh)
  }
}

function* chunks<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  if (items.length <= MOST_AT_ONCE) {
    if (items.length > 0) yield items
    return
  }
  for (let start = 0; start < items.length; start += MOST_AT_ONCE) yield items.slice(start, start + MOST_AT_ONCE)
}
