/**
 * Lets everybody who asks for the same within one turn of the event loop share one answer.
 *
 * The question is sent after the last microtask of the turn, so that nobody waits for it, and never before the last of those who share its answer
 * came: what had changed until then is in it. Who comes later is answered by a question of their own.
 */
export class SameTurn<Answer> {
  readonly #asked = new Map<string, Promise<Answer>>()

  /** The answer, and whether this is the caller for whom it was asked. */
  ask(what: string, send: () => Promise<Answer>): { readonly answer: Promise<Answer>; readonly isFirst: boolean } {
    const asked = this.#asked.get(what)
    if (asked !== undefined) return { answer: asked, isFirst: false }
    const answer = new Promise<Answer>((resolve) => {
      process.nextTick(() => {
        this.#asked.delete(what)
        resolve(send())
      })
    })
    this.#asked.set(what, answer)
    return { answer, isFirst: true }
  }
}
