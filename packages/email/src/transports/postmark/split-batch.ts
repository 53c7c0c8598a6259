import type { Message } from '../../message/message.js'
import type { BatchItem } from '../../transport.js'
import { toPostmark } from './postmark-message.js'

/** How much one request takes: https://postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails */
export interface BatchLimits {
  readonly messages: number
  readonly bytes: number
}

/** 500 messages and 50 MB, with room for the brackets and commas around them. */
const POSTMARK_BATCH: BatchLimits = { messages: 500, bytes: 49_000_000 }

/**
 * Cuts a list into runs that one request can carry. Messages rendered here and templates kept by Postmark go to
 * different endpoints, so no run has both.
 */
export function splitBatch(
  items: readonly BatchItem[],
  limits: BatchLimits = POSTMARK_BATCH,
): readonly (readonly BatchItem[])[] {
  const runs: BatchItem[][] = []
  let run: BatchItem[] = []
  let bytes = 0
  for (const item of items) {
    const size = sizeOf(item, limits)
    const kind = run[0]?.message.content.kind ?? item.message.content.kind
    if (run.length === limits.messages || bytes + size > limits.bytes || kind !== item.message.content.kind) {
      if (run.length > 0) runs.push(run)
      run = []
      bytes = 0
    }
    run.push(item)
    bytes += size
  }
  if (run.length > 0) runs.push(run)
  return runs
}

/** The size of a message in a request: a bound that costs nothing where it cannot matter, exact where it can. */
function sizeOf(item: BatchItem, limits: BatchLimits): number {
  const bound = sizeBound(item.message)
  if (bound * limits.messages <= limits.bytes) return bound
  return Buffer.byteLength(JSON.stringify(toPostmark(item))) + 1
}

/** JSON makes at most 6 bytes of a UTF-16 unit; addresses, headers and metadata have limits of their own. */
function sizeBound({ content, attachments }: Message): number {
  const text =
    content.kind === 'rendered' ? content.text.length + (content.html?.length ?? 0) : Number.POSITIVE_INFINITY
  const files = attachments.reduce((sum, { content: bytes }) => sum + Math.ceil(bytes.byteLength / 3) * 4 + 1000, 0)
  return text * 6 + files + 100_000
}
