import { Frame, frameEntry } from '../frame.js'
import type { Expectation, FreshKeys } from './fresh-keys.js'
import type { Question, RedisBatchOptions } from './question.js'

/** A question whose entry is expected to be fresh. */
export interface Expected {
  readonly question: Question
  readonly expectation: Expectation
}

/**
 * Reads entries that are expected to be fresh, with the stamps of their guards, by one `MGET`: one command reads everything at the same
 * moment, so an entry is judged as the script would judge it. Answers the questions that it could not answer.
 */
export async function readFresh(
  expected: readonly Expected[],
  { connection, keys: names, deadlineMs }: RedisBatchOptions,
  fresh: FreshKeys,
): Promise<readonly Question[]> {
  const keys: string[] = []
  const entries = new Map<string, number>()
  for (const { question } of expected) {
    const { key } = question.address
    if (entries.has(key)) continue
    entries.set(key, keys.length)
    keys.push(names.entry(key))
  }
  const places = new Map<string, number>()
  for (const { expectation } of expected) {
    for (const guard of expectation.guards) {
      if (places.has(guard)) continue
      places.set(guard, keys.length)
      keys.push(names.guard(guard))
    }
  }
  const values = await connection.run((client) => client.mgetBuffer(keys), { deadlineMs })
  const now = fresh.serverNow()
  const stamps = values.map((bytes, index) => (index < entries.size ? undefined : bytes?.toString('latin1')))
  const left: Question[] = []
  const frames = values.slice(0, entries.size).map((bytes) => (bytes == null ? undefined : Frame.parse(bytes)))
  for (const { question, expectation } of expected) {
    const frame = frames[entries.get(question.address.key) as number]
    const isExpected = frame?.fresh(now) === true && frame.names === expectation.names
    if (isExpected && unchanged(expectation.guards, places, stamps, frame.begun)) {
      question.answer(frameEntry(frame, now), undefined)
    } else left.push(question)
  }
  return left
}

function unchanged(
  guards: readonly string[],
  places: ReadonlyMap<string, number>,
  stamps: readonly (string | undefined)[],
  begun: string,
): boolean {
  for (const guard of guards) {
    const stamp = stamps[places.get(guard) as number]
    if (stamp === undefined || stamp > begun) return false
  }
  return true
}
