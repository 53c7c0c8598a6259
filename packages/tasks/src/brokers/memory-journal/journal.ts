import { AvailabilityFeed, BackendUnavailableError, type CallOptions, withDeadline } from '@plinth/core'
import type { Change, ChangeLog } from '../memory/change-log.js'
import type { JournalFile } from './journal-file.js'
import { appendNoted, JournalRewrite } from './journal-rewrite.js'
import type { Journaled, JournalScribe } from './journal-scribe.js'
import { JournalTurn } from './journal-turn.js'

/** A journal is written anew once it is twice as large as it was when that was last done, and so much more. */
const SLACK = 4_194_304

/** A journal that cannot be written is tried again so often. */
const RETRY_MS = 1000

/** How long closing waits for the last write. */
const CLOSE_MS = 5000

/**
 * The file behind a memory broker: all that changes in one turn of the event loop goes out in one write.
 *
 * When a write fails nothing is lost: the broker still has everything. The journal is then written anew, as a whole, until
 * that succeeds; what waits for a write waits so long, and what enqueues is told.
 */
export class Journal implements ChangeLog {
  readonly feed: AvailabilityFeed = new AvailabilityFeed()
  readonly #path: string
  readonly #sync: boolean
  #kept: Journaled | undefined
  #current: { readonly file: JournalFile; readonly scribe: JournalScribe } | undefined
  #turn = new JournalTurn()
  #underWay: JournalTurn | undefined
  #rewrite: JournalRewrite | undefined
  #rewriteAt = SLACK
  #failure: BackendUnavailableError | undefined
  #retry: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #closed = false

  constructor(path: string, sync: boolean) {
    this.#path = path
    this.#sync = sync
  }

  /** Why nothing can be written now; `undefined` when all is well. */
  get failure(): BackendUnavailableError | undefined {
    return this.#failure
  }

  /** Writes the first file: what the broker holds now. From then on every change is written. */
  async begin(kept: Journaled): Promise<void> {
    this.#kept = kept
    await this.#anew(kept)
    this.feed.update(true)
  }

  note(change: Change, name: string): void {
    if (this.#closed) return
    this.#turn.note(change, name)
    this.#rewrite?.since.note(change, name)
    this.#writeSoon()
  }

  written(): Promise<void> {
    return this.#last()?.written ?? Promise.resolve()
  }

  committed({ deadlineMs, signal }: CallOptions): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const last = this.#last()
    if (last === undefined) return Promise.resolve()
    const onDeadline = (): Error =>
      new BackendUnavailableError(`The journal of tasks, ${this.#path}, was not written in time.`, {
        reason: 'deadline',
      })
    return withDeadline(last.committed, { deadlineMs, signal, onDeadline })
  }

  /** Writes what is left. Rejects when that cannot be done; the file is closed all the same. */
  async close(): Promise<void> {
    if (this.#closed) return
    const onDeadline = (): Error => this.#failure ?? unavailable(this.#path, new Error('no answer in time'))
    try {
      await withDeadline(this.#last()?.written ?? Promise.resolve(), {
        deadlineMs: this.#failure === undefined ? CLOSE_MS : RETRY_MS + 500,
        onDeadline,
      })
    } finally {
      this.#closed = true
      clearTimeout(this.#retry)
      this.feed.close()
      await withDeadline(this.#writing ?? Promise.resolve(), { deadlineMs: CLOSE_MS, onDeadline }).catch(() => {})
      await this.#rewrite?.file.discard()
      await this.#current?.file.close()
    }
  }

  /** The last turn that is not written yet. */
  #last(): JournalTurn | undefined {
    return this.#turn.isEmpty ? this.#underWay : this.#turn
  }

  /** A write that is under way takes the next turn along when it has ended. */
  #writeSoon(): void {
    if (this.#writing !== undefined || this.#failure !== undefined || this.#current === undefined) return
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
      if (!this.#turn.isEmpty && !this.#closed) this.#writeSoon()
    })
  }

  /** Writes turn by turn, and between them what is to be written anew, until nothing is left. */
  async #write(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve)) // the rest of this turn goes along
      try {
        await this.#writeTurn()
        if (this.#current !== undefined && this.#current.file.size > this.#rewriteAt) await this.#compact()
      } catch (error) {
        this.#fail(error)
        return
      }
    } while (!this.#closed && (!this.#turn.isEmpty || this.#rewrite !== undefined))
  }

  async #writeTurn(): Promise<void> {
    if (this.#current === undefined || this.#turn.isEmpty) return
    const { file, scribe } = this.#current
    await this.#carry(async (turn) => {
      await appendNoted(file, scribe, turn)
      if (this.#sync) await file.sync()
    })
  }

  /** Takes the turn, and has it written; when that fails it is part of the next one. */
  async #carry(write: (turn: JournalTurn) => Promise<void>): Promise<void> {
    const turn = this.#turn
    this.#turn = new JournalTurn()
    this.#underWay = turn
    try {
      await write(turn)
      turn.done()
    } catch (error) {
      turn.failed(unavailable(this.#path, error), this.#turn)
      throw error
    } finally {
      this.#underWay = undefined
    }
  }

  /** One step towards a smaller file. When there is no room for one, the old one goes on. */
  async #compact(): Promise<void> {
    if (this.#kept === undefined) return
    let rewrite = this.#rewrite
    try {
      rewrite ??= await JournalRewrite.begin(this.#path, this.#kept)
      this.#rewrite = rewrite
      if (!(await rewrite.step())) await this.#replace(rewrite)
    } catch {
      await rewrite?.file.discard()
      this.#rewrite = undefined
      this.#rewriteAt = (this.#current?.file.size ?? 0) * 2
    }
  }

  async #anew(kept: Journaled): Promise<void> {
    const rewrite = await JournalRewrite.begin(this.#path, kept)
    this.#rewrite = rewrite
    try {
      while (await rewrite.step());
      await this.#replace(rewrite)
    } catch (error) {
      this.#rewrite = undefined
      await rewrite.file.discard()
      throw error
    }
  }

  async #replace(rewrite: JournalRewrite): Promise<void> {
    const before = this.#current
    await this.#carry(() => {
      this.#rewrite = undefined // what is noted from here on goes into the new file
      return rewrite.finish(this.#path)
    })
    this.#current = { file: rewrite.file, scribe: rewrite.scribe }
    this.#rewriteAt = rewrite.file.size * 2 + SLACK
    await before?.file.close().catch(() => {}) // nobody reads it any more
  }

  #fail(error: unknown): void {
    this.#failure = unavailable(this.#path, error)
    const waiting = this.#turn
    this.#turn = new JournalTurn()
    waiting.failed(this.#failure, this.#turn)
    this.feed.update(false, this.#failure)
    this.#retry = setTimeout(() => {
      this.#writing = this.#recover().finally(() => {
        this.#writing = undefined
        if (!this.#turn.isEmpty) this.#writeSoon()
      })
    }, RETRY_MS).unref()
  }

  async #recover(): Promise<void> {
    if (this.#kept === undefined || this.#closed) return
    await this.#rewrite?.file.discard()
    try {
      await this.#anew(this.#kept)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#failure = undefined
    this.feed.update(true)
  }
}

function unavailable(path: string, error: unknown): BackendUnavailableError {
  const why = error instanceof Error ? error.message : String(error)
  return new BackendUnavailableError(
    `The journal of tasks, ${path}, cannot be written (${why}). Make room, or mend the disk; it is tried again every second.`,
    { reason: 'closed', cause: error },
  )
}
