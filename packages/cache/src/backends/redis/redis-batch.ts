import type { RedisConnection } from '@plinth/core/redis'
import type { Address, EntryPart, StoredEntry } from '../../cache-backend.js'
import { Frame } from '../frame.js'
import type { RedisKeys } from './redis-keys.js'
import { CLAIM } from './scripts/claim.js'
import { runScript } from './scripts/script.js'

/** What a batch found for one key. */
export interface Found {
  readonly entry: StoredEntry | undefined
  /** The time at which the caller's computation begins, when the lease was given to the caller. */
  readonly begun: string | undefined
}

/** What is asked of one key. Modes as in the script. */
interface Question {
  readonly address: Address
  readonly mode: 'r' | 'h' | 'n' | 'f' | 's'
  readonly token: string
  readonly leaseMs: number
  readonly resolve: (found: Found) => void
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
const NOTHING: Found = { entry: undefined, begun: undefined }

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

  read(address: Address, part: EntryPart): Promise<Found> {
    return this.#ask(address, part === 'head' ? 'h' : 'r', '', 0)
  }

  claim(address: Address, mode: 'n' | 'f' | 's', token: string, leaseMs: number): Promise<Found> {
    return this.#ask(address, mode, token, leaseMs)
  }

  #ask(address: Address, mode: Question['mode'], token: string, leaseMs: number): Promise<Found> {
    return new Promise((resolve, reject) => {
      if (this.#questions.length === 0) process.nextTick(() => this.#flush())
      this.#questions.push({ address, mode, token, leaseMs, resolve, reject })
    })
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
    try {
      const { keys, args } = this.#command(questions)
      const answers = (await connection.run((client) => runScript(client, CLAIM, keys, args), {
        deadlineMs,
      })) as Buffer[]
      const now = Number((answers[questions.length] as Buffer).toString('latin1'))
      for (let index = 0; index < questions.length; index++) {
        const question = questions[index] as Question
        question.resolve(foundIn(answers[index] as Buffer, now, question.mode))
      }
    } catch (error) {
      for (const question of questions) question.reject(error)
    }
  }

  #command(questions: readonly Question[]): { readonly keys: string[]; readonly args: (string | number)[] } {
    const { keys: names, guardMs } = this.#options
    const keys: string[] = []
    const args: (string | number)[] = [questions.length, names.clock, names.guardPrefix, guardMs]
    const places = new Map<string, string>()
    const guards: string[] = []
    for (const { address, mode, token, leaseMs } of questions) {
      keys.push(names.entry(address.key))
      let own = ''
      for (const guard of address.guards) {
        let place = places.get(guard)
        if (place === undefined) {
          place = placeText(guards.length)
          places.set(guard, place)
          guards.push(names.guard(guard))
        }
        own += place
      }
      args.push(mode, token, leaseMs, address.guards.join('\n'), own)
    }
    for (const guard of guards) keys.push(guard)
    return { keys, args }
  }
}

/** A place among the guards as two printable signs. */
function placeText(place: number): string {
  return String.fromCharCode(48 + (place >> 6), 48 + (place & 63))
}

function foundIn(answer: Buffer, now: number, mode: Question['mode']): Found {
  switch (answer[0]) {
    case 0x50: // P: a frame
      return { entry: entryIn(answer, now, mode), begun: undefined }
    case 0x42: // B: busy
      return answer.length === 1 ? NOTHING : { entry: entryIn(answer.subarray(1), now, mode), begun: undefined }
    case 0x4c: // L: leased
      return {
        entry: answer.length === 17 ? undefined : entryIn(answer.subarray(17), now, mode),
        begun: answer.toString('latin1', 1, 17),
      }
    default:
      return NOTHING
  }
}

function entryIn(bytes: Buffer, now: number, mode: Question['mode']): StoredEntry | undefined {
  return Frame.parse(bytes)?.describe(now, mode === 'h' ? 'head' : 'all')
}
