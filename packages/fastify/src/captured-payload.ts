import { pipeline, Readable, Transform } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** A payload that is there as a whole: its bytes; `undefined` for a stream. */
export function wholePayload(payload: unknown): Uint8Array | undefined {
  if (payload === undefined || payload === null) return new Uint8Array(0)
  if (typeof payload === 'string') return Buffer.from(payload)
  return payload instanceof Uint8Array ? payload : undefined
}

/** Gives a payload that comes as a stream, Node's or the Web's, as one of Node's; `undefined` for anything else. */
export function streamPayload(payload: unknown): Readable | undefined {
  if (payload instanceof Readable) return payload
  if (typeof payload !== 'object' || payload === null) return undefined
  if ('getReader' in payload) return Readable.fromWeb(payload as ReadableStream)
  return 'pipe' in payload ? new Readable().wrap(payload as unknown as NodeJS.ReadableStream) : undefined
}

/** How the body of a stream went: its bytes when it ended and they are no more than were to be kept. */
export type StreamEnd =
  | { readonly complete: true; readonly body: Uint8Array }
  | { readonly complete: false; readonly tooLarge: boolean }

/** Passes a stream on and keeps a copy of up to `keepsBytes`; `ended` is awaited before the end is passed on. */
export function teeStream(source: Readable, keepsBytes: number, ended: (end: StreamEnd) => Promise<void>): Readable {
  let kept: Buffer[] | undefined = []
  let size = 0
  const tee = new Transform({
    transform(chunk: Buffer | string, encoding, done) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
      size += bytes.length
      if (size > keepsBytes) kept = undefined
      kept?.push(bytes)
      done(null, bytes)
    },
    flush(done) {
      const end: StreamEnd =
        kept === undefined ? { complete: false, tooLarge: true } : { complete: true, body: Buffer.concat(kept) }
      ended(end).then(() => done(), done)
    },
  })
  pipeline(source, tee, (error) => {
    if (error) void ended({ complete: false, tooLarge: false })
  })
  return tee
}
