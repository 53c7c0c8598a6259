import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { MisconfiguredError } from '@plinth/core'
import { JournalCorruptError } from '../../task-errors.js'
import { JournalImage } from './journal-image.js'
import { decodeLine } from './journal-line.js'
import { HEADER, type JournalRecord } from './journal-record.js'

const NEWLINE = 0x0a

/**
 * Reads a journal; a file that is absent or empty is an empty journal.
 *
 * A last line without its end is a write that was cut short by the death of its process: nobody was told that it was done,
 * and it is left out unless nothing but its end is missing. Any other line that is not as it was written is refused with
 * `JournalCorruptError`: what it held was confirmed.
 */
export async function readJournal(path: string): Promise<JournalImage> {
  const image = new JournalImage()
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return image
  if (!found.isFile()) throw new MisconfiguredError(`The journal of tasks, ${path}, is no regular file.`)
  if (found.size === 0) return image
  const reader = new LineReader(path, image)
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 })) reader.push(chunk as Buffer)
  reader.end()
  return image
}

/** Cuts what is read into lines, and takes them in. */
class LineReader {
  readonly #path: string
  readonly #image: JournalImage
  #parts: Buffer[] = []
  /** Where the line that is being read begins. */
  #offset = 0

  constructor(path: string, image: JournalImage) {
    this.#path = path
    this.#image = image
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#parts.push(chunk.subarray(from, end))
      const line = this.#takeLine()
      if (!this.#apply(line)) throw new JournalCorruptError(this.#path, this.#offset)
      this.#offset += line.length + 1
      from = end + 1
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from))
  }

  end(): void {
    const rest = this.#takeLine()
    if (rest.length === 0) return
    // No journal begins with a line that was cut short: this file is something else.
    if (!this.#apply(rest) && this.#offset === 0) throw new JournalCorruptError(this.#path, 0)
  }

  #takeLine(): Buffer {
    const [first] = this.#parts
    const line = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts)
    this.#parts = []
    return line
  }

  #apply(line: Buffer): boolean {
    const records = decodeLine(line)
    if (records === undefined) return false
    if (this.#offset === 0) return records.length === 1 && JSON.stringify(records[0]) === HEADER
    return records.every((record) => this.#image.apply(record as JournalRecord))
  }
}
