import type { Logger } from '@plinth/core'
import type { CreateMailerOptions } from '@plinth/email'
import {
  consoleTransport,
  createMailer,
  disabledMailer,
  type EmailQueue,
  type EmailTransport,
  type Mailer,
  memoryTransport,
  outboxTransport,
} from '@plinth/email'
import type { EmailSettings } from '@plinth/email/config'
import type { Part } from '../part.js'
import { notAvailableYet } from './not-available-yet.js'

/** What the caller of the factory decides about the mailer; the rest comes from the environment. */
export type EmailOptions = Pick<
  CreateMailerOptions,
  'replyTo' | 'stream' | 'variables' | 'store' | 'suppressions' | 'sendLog'
>

/** Makes the mailer on the transport that the environment chose. */
export async function emailPart(
  settings: EmailSettings,
  context: { readonly logger: Logger; readonly queue: EmailQueue | 'direct'; readonly options: EmailOptions },
): Promise<Part<Mailer>> {
  if (!settings.enabled) return { name: 'email', api: disabledMailer(), enabled: false, required: settings.required }
  const { logger, queue, options } = context
  const { senderAddress, senderName, timeoutMs, maxRetries, trackOpens, trackLinks, interceptTo, allowList } = settings
  const transport = await transportOf(settings)
  const mailer = createMailer({
    ...options,
    transport,
    from: { address: senderAddress, ...(senderName === undefined ? {} : { name: senderName }) },
    timeout: timeoutMs,
    retries: maxRetries,
    trackOpens,
    trackLinks,
    ...(interceptTo.length > 0 ? { interceptTo } : {}),
    ...(allowList.length > 0 ? { allowList } : {}),
    queue,
    logger,
  })
  return {
    name: 'email',
    api: mailer,
    enabled: true,
    required: settings.required,
    backend: settings.transport,
    start: (signal) => mailer.verify(signal),
    close: () => mailer.close(),
  }
}

async function transportOf(settings: EmailSettings): Promise<EmailTransport> {
  switch (settings.transport) {
    case 'outbox':
      return outboxTransport(settings.outbox && { dir: settings.outbox.directory })
    case 'console':
      return consoleTransport()
    case 'memory':
      return memoryTransport()
    default:
      throw notAvailableYet('EMAIL_TRANSPORT', settings.transport)
  }
}
