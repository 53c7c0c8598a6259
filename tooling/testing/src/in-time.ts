import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Whether `work`, just begun, ends before a timer of `ms` milliseconds that is set now.
 *
 * Both run on the same event loop: a busy machine delays both, and what has to be first stays first. So it tells whether
 * somebody waited for a deadline of `ms` or longer, never how fast this machine is.
 */
export async function inTime(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'late')
  })
  const outcome = Promise.race([work.then(ended, ended), late.then(lastLooks)])
  const isInTime = (await outcome) === 'ended'
  clearTimeout(timer)
  return isInTime
}

const ended = (): 'ended' => 'ended'

/** Timers come before sockets: what was answered in time may still lie there to be read, and to be passed on. */
async function lastLooks(): Promise<'late'> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn()
  return 'late'
}
