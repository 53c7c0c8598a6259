import type { CloseReport, InfraHost } from './infra-host.js'
import { type Logger, silentLogger } from './logger.js'

/** Options of {@link runUntilSignal}. */
export interface RunUntilSignalOptions {
  /** Which signals close the app. Default `SIGTERM` and `SIGINT`. */
  readonly signals?: readonly NodeJS.Signals[]
  /** Milliseconds from the first signal to the end of the process, whatever hangs. Default 10,000. */
  readonly deadlineMs?: number
  readonly logger?: Logger
}

/** A process that waits for its signal. Disposing it takes the handlers off. */
export interface RunningUntilSignal extends Disposable {
  /** Resolves when a signal came and everything is closed. */
  readonly closed: Promise<CloseReport>
}

/** How long before the deadline the app must have closed, so that its report can still be written. */
const REPORT_MARGIN_MS = 250

/**
 * Closes `host` at the first signal and lets the process end; a second signal ends it at once with code 1.
 *
 * The exit code is 0 also when a step timed out (the report says so): the process did what it was asked to. A handle that
 * somebody forgot does not keep the process alive beyond the deadline. Only call this from an application's main file.
 */
export function runUntilSignal(host: InfraHost, options: RunUntilSignalOptions = {}): RunningUntilSignal {
  const { signals = ['SIGTERM', 'SIGINT'], deadlineMs = 10_000, logger = silentLogger } = options
  let closing = false
  let settle: (report: CloseReport) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const closed = new Promise<CloseReport>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  closed.catch(() => {}) // awaiting it is up to the caller; a failure is logged below

  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(1)
    closing = true
    // Referenced on purpose: an unreferenced timer would let a stalled close end as if it had succeeded.
    const force = setTimeout(() => process.exit(process.exitCode ?? 0), deadlineMs)
    logger.info({ signal, deadlineMs }, 'closing')
    host.close({ deadlineMs: Math.max(0, deadlineMs - REPORT_MARGIN_MS) }).then(
      (report) => {
        force.unref() // from here on it only ends what somebody forgot to close
        process.exitCode ??= 0
        logger.info({ clean: report.clean, ms: Math.round(report.ms) }, 'closed')
        settle(report)
      },
      (error: unknown) => {
        force.unref()
        process.exitCode = 1
        logger.error({ error }, 'closing failed')
        fail(error)
      },
    )
  }

  for (const signal of signals) process.on(signal, onSignal)
  return {
    closed,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
