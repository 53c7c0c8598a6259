/**
 * The field of a job's hash that says it is to be cancelled. BullMQ brings it along with the job, and a plain BullMQ worker
 * that gets such a job fails it without running it.
 */
export const CANCEL_FIELD = 'defa'

/** How long it is remembered that a task was cancelled, at least. */
export const CANCELLED_MS = 3_600_000

const PREFIX = 'Cancelled: '

/** What stands in {@link CANCEL_FIELD} of a job that was cancelled while it ran. */
export function cancelMark(reason: string | undefined): string {
  return PREFIX + JSON.stringify(reason ?? null)
}

/** A wish to cancel, as read from its mark; `undefined` when there is none, or the field is another program's. */
export function readCancelMark(
  mark: string | null | undefined,
): { readonly kind: 'cancelled'; readonly reason: string | undefined } | undefined {
  if (mark?.startsWith(PREFIX) !== true) return undefined
  try {
    const reason: unknown = JSON.parse(mark.slice(PREFIX.length))
    return { kind: 'cancelled', reason: typeof reason === 'string' ? reason : undefined }
  } catch {
    return undefined
  }
}
