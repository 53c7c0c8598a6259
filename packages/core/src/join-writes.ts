/** What of a socket is needed to hold back what is written to it. */
interface Corkable {
  write(...written: never[]): boolean
  cork(): void
  uncork(): void
}

/**
 * Sends what is written to a socket within one turn in one go.
 *
 * ioredis and amqplib write every command and every frame by itself, and each write is a call to the system: for small
 * ones that is most of what they cost. Nothing is sent later than the end of the turn in which it was written. What is
 * not a stream is left alone.
 *
 * @param isIdle whether the other side has nothing to do: then what is written first goes out at once, and is worked on
 * while the rest of the turn is written. Default: never.
 */
export function joinWrites(stream: unknown, isIdle: () => boolean = never): void {
  if (!isCorkable(stream)) return
  const write = stream.write
  let corked = false
  const uncork = (): void => {
    corked = false
    stream.uncork()
  }
  stream.write = (...written: never[]): boolean => {
    if (!corked && !isIdle()) {
      corked = true
      stream.cork()
      process.nextTick(uncork)
    }
    return write.apply(stream, written)
  }
}

function never(): boolean {
  return false
}

function isCorkable(stream: unknown): stream is Corkable {
  return (
    typeof stream === 'object' &&
    stream !== null &&
    'write' in stream &&
    typeof stream.write === 'function' &&
    'cork' in stream &&
    typeof stream.cork === 'function' &&
    'uncork' in stream &&
    typeof stream.uncork === 'function'
  )
}
