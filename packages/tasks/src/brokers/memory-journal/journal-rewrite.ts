import { JournalFile } from './journal-file.js'
import { encodeLine } from './journal-line.js'
import { HEADER } from './journal-record.js'
import { type Journaled, JournalScribe } from './journal-scribe.js'
import { JournalTurn } from './journal-turn.js'

/** A line is filled up to about this many characters. */
const LINE = 1_048_576

/**
 * A journal that is written anew, with nothing in it but what is true, to take the place of the old one.
 *
 * It goes step by step, so that the old journal can be written between the steps. What changes meanwhile is noted in
 * `since` and written at the end.
 */
export class JournalRewrite {
  readonly since: JournalTurn = new JournalTurn()
  readonly file: JournalFile
  readonly scribe: JournalScribe
  readonly #rest: Iterator<string | undefined>

  private constructor(file: JournalFile, kept: Journaled) {
    this.file = file
    this.scribe = new JournalScribe(kept)
    this.#rest = this.scribe.everything()
  }

  static async begin(path: string, kept: Journaled): Promise<JournalRewrite> {
    const file = await JournalFile.create(`${path}.tmp`)
    try {
      await file.append(encodeLine([HEADER]))
    } catch (error) {
      await file.discard()
      throw error
    }
    return new JournalRewrite(file, kept)
  }

  /** Writes the next line; answers whether there is more. */
  async step(): Promise<boolean> {
    const { lines, more } = takeLine(this.#rest)
    if (lines.length > 0) await this.file.append(encodeLine(lines))
    return more
  }

  /** Writes what has changed since it began, and takes the place of the journal. Nothing may change in the old one meanwhile. */
  async finish(path: string): Promise<void> {
    await appendNoted(this.file, this.scribe, this.since)
    await this.file.moveTo(path)
  }
}

/** Writes how all that was noted stands now, in as few lines as can be; one line is whole or not at all. */
export async function appendNoted(file: JournalFile, scribe: JournalScribe, turn: JournalTurn): Promise<void> {
  const rest = recordsOf(scribe, turn)
  for (let more = true; more; ) {
    const taken = takeLine(rest)
    if (taken.lines.length > 0) await file.append(encodeLine(taken.lines))
    more = taken.more
  }
}

function* recordsOf(scribe: JournalScribe, turn: JournalTurn): Generator<string | undefined> {
  for (const [change, name] of turn.noted()) yield scribe.record(change, name)
}

function takeLine(records: Iterator<string | undefined>): {
  readonly lines: readonly string[]
  readonly more: boolean
} {
  const lines: string[] = []
  for (let length = 0; length < LINE; ) {
    const { value, done } = records.next()
    if (done === true) return { lines, more: false }
    if (value === undefined) continue
    lines.push(value)
    length += value.length
  }
  return { lines, more: true }
}
