/** What `write` and `end` call when a piece is handed on. */
export type Callback = (error?: Error | null) => void

/** One piece of a body, as `write` and `end` take it. */
export type Chunk = string | Uint8Array

/** Gives a piece of a body as bytes. */
export function toBytes(chunk: Chunk, encoding: BufferEncoding): Buffer {
  return typeof chunk === 'string'
    ? Buffer.from(chunk, encoding)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

/** Reads the arguments of `write` and `end`, whose callback may stand in the place of any. */
export function readChunk(
  args: readonly unknown[],
): [chunk: Chunk | undefined, encoding: BufferEncoding, done: Callback | undefined] {
  const [chunk, encoding] = args
  const done = args.find((arg) => typeof arg === 'function') as Callback | undefined
  const isChunk = typeof chunk === 'string' || chunk instanceof Uint8Array
  return [isChunk ? chunk : undefined, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8', done]
}
