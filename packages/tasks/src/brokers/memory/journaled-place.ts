import { AvailabilityFeed } from '@plinth/core'
import type { OpenJournal, OpenJournalOptions } from '../memory-journal/open-journal.js'

/** The insides that the forks of one memory broker share, in memory while one of them is open and in the journal always. */
export class JournaledPlace {
  readonly options: OpenJournalOptions
  readonly feed: AvailabilityFeed = new AvailabilityFeed()
  readonly #users = new Set<object>()
  #opening: Promise<OpenJournal> | undefined
  #closing: Promise<void> | undefined

  constructor(options: OpenJournalOptions) {
    this.options = options
  }

  /** Opens the journal for one more, or once; an opening that failed is tried again by the next. */
  open(user: object): Promise<OpenJournal> {
    this.#users.add(user)
    this.#opening ??= this.#open().catch((error: Error) => {
      this.#opening = undefined
      this.feed.update(false, error)
      throw error
    })
    return this.#opening
  }

  /** The last one closes the journal. */
  async leave(user: object): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    const opening = this.#opening
    this.#opening = undefined
    this.feed.update(false)
    const closing = (async () => {
      const opened = await opening?.catch(() => undefined) // whoever opened it was told
      await opened?.close()
    })()
    this.#closing = closing.catch(() => {}) // told to whoever closes
    await closing
  }

  async #open(): Promise<OpenJournal> {
    await this.#closing
    const { openJournal } = await import('../memory-journal/open-journal.js')
    const opened = await openJournal(this.options)
    opened.journal.feed.onChange(({ available, error }) => this.feed.update(available, error))
    this.feed.update(true)
    return opened
  }
}
