/** Thrown by `ctx.snooze`, to leave the handler. */
export class Snooze extends Error {
  readonly delayMs: number

  constructor(delayMs: number) {
    super('This attempt was snoozed; let this error pass.')
    this.delayMs = delayMs
  }
}
