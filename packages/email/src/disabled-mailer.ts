import type { BulkResult, Mailer } from './mailer.js'
import type { SkippedResult } from './send-result.js'

const SKIPPED: SkippedResult = Object.freeze({ status: 'skipped', reason: 'disabled' })

/**
 * A mailer that sends nothing and says so: every send answers `skipped: disabled`, `canDeliver` is false.
 *
 * Loads no transport. A preview still renders, because it sends nothing.
 */
export function disabledMailer(): Mailer {
  return {
    transport: 'disabled',
    canDeliver: false,
    send: async () => SKIPPED,
    sendMessage: async () => SKIPPED,
    sendMany: async (_template, messages) => {
      const results: BulkResult[] = []
      for await (const _message of messages) results.push(SKIPPED)
      return results
    },
    preview: async (template, props) =>
      template.render(props ?? template.example, {
        companyName: 'Preview',
        year: new Date().getFullYear(),
        domain: 'localhost',
      }),
    deliver: async () => SKIPPED,
    report: async () => false,
    verify: async () => {},
    close: async () => {},
  }
}
