import type { Mode } from '@plinth/config'
import { BackendUnavailableError, type Logger, MisconfiguredError } from '@plinth/core'
import {
  type CreateMailerOptions,
  consoleTransport,
  createMailer,
  disabledMailer,
  EmailError,
  type EmailQueue,
  type EmailStore,
  type EmailTemplate,
  type EmailTransport,
  type MailboxSource,
  type Mailer,
  memoryTransport,
  outboxTransport,
} from '@plinth/email'
import type { EmailSettings } from '@plinth/email/config'
import type { WebHandler } from '../infra.js'
import type { Part } from '../part.js'

/** What the caller of the factory decides about mail; the rest comes from the environment. */
export interface EmailOptions
  extends Pick<CreateMailerOptions, 'replyTo' | 'stream' | 'variables' | 'store' | 'suppressions' | 'sendLog'> {
  /** Templates that the mailbox page previews with their examples. */
  readonly templates?: readonly EmailTemplate<unknown>[]
  /** Where Postmark's API is: for a stand-in on this machine. Default: Postmark itself. */
  readonly postmarkEndpoint?: string
}

/** What the mailer is made with, beside its settings. */
export interface EmailContext {
  readonly logger: Logger
  readonly mode: Mode
  readonly queue: EmailQueue | 'direct'
  /** Where keys are kept so that other processes see them; absent where there is no shared store. */
  readonly store: EmailStore | undefined
  /** Holds closing back until `work` has settled. */
  readonly track: <Result>(work: Promise<Result>) => Promise<Result>
  readonly options: EmailOptions
}

/** The mailer, and the pages that come with it: webhooks where they are configured, the mailbox in development. */
export interface EmailPart {
  readonly part: Part<Mailer>
  readonly handlers: readonly WebHandler[]
}

/** Where Postmark's webhooks are received. */
const POSTMARK_WEBHOOK_PATH = '/webhooks/postmark'

/** Makes the mailer on the transport that the environment chose. */
export async function emailPart(settings: EmailSettings, context: EmailContext): Promise<EmailPart> {
  const { required } = settings
  if (!settings.enabled) {
    return { part: { name: 'email', api: disabledMailer(), enabled: false, required }, handlers: [] }
  }
  const { transport, mailbox } = await transportOf(settings, context)
  const mailer = makeMailer(settings, transport, context)
  const part: Part<Mailer> = {
    name: 'email',
    api: mailer,
    enabled: true,
    required,
    backend: settings.transport,
    ...targetOf(settings, transport),
    start: (signal) => mailer.verify(signal).catch(sortedFault),
    close: () => mailer.close(),
  }
  return {
    part,
    handlers: [
      ...(await webhookHandlers(settings, mailer, context)),
      ...(await mailboxHandlers(mailbox, mailer, context)),
    ],
  }
}

/** The outbox is named as it was configured: a page that shows the table should not tell where the app is installed. */
function targetOf({ outbox }: EmailSettings, { target }: EmailTransport): { readonly target?: string } {
  const shown = outbox?.directory ?? target
  return shown === undefined ? {} : { target: shown }
}

function makeMailer(settings: EmailSettings, transport: EmailTransport, context: EmailContext): Mailer {
  const { templates: _, postmarkEndpoint: __, ...options } = context.options
  const { senderAddress, senderName, timeoutMs, maxRetries, trackOpens, trackLinks, interceptTo, allowList } = settings
  return createMailer({
    store: context.store,
    ...options,
    transport,
    from: { address: senderAddress, ...(senderName === undefined ? {} : { name: senderName }) },
    timeout: timeoutMs,
    retries: maxRetries,
    trackOpens,
    trackLinks,
    ...(interceptTo.length > 0 ? { interceptTo } : {}),
    ...(allowList.length > 0 ? { allowList } : {}),
    queue: context.queue,
    logger: context.logger,
  })
}

interface ChosenTransport {
  readonly transport: EmailTransport
  /** Present when the messages can be read. */
  readonly mailbox?: MailboxSource
}

async function transportOf(settings: EmailSettings, { mode, options }: EmailContext): Promise<ChosenTransport> {
  if (settings.postmark !== undefined) {
    const { postmarkTransport } = await import('@plinth/email/postmark')
    const { serverToken } = settings.postmark
    const { postmarkEndpoint: endpoint } = options
    return { transport: postmarkTransport({ serverToken, ...(endpoint === undefined ? {} : { endpoint }) }) }
  }
  if (settings.smtp !== undefined) {
    const { smtpTransport } = await import('@plinth/email/smtp')
    return { transport: smtpTransport({ url: settings.smtp.url }) }
  }
  if (settings.outbox !== undefined) {
    const transport = outboxTransport({ dir: settings.outbox.directory })
    return { transport, mailbox: transport.mailbox }
  }
  if (settings.transport === 'console') return { transport: consoleTransport({ production: mode === 'production' }) }
  const transport = memoryTransport()
  return { transport, mailbox: transport.mailbox }
}

async function webhookHandlers(
  settings: EmailSettings,
  mailer: Mailer,
  context: EmailContext,
): Promise<readonly WebHandler[]> {
  const webhook = settings.postmark?.webhook
  if (webhook === undefined) return []
  const { handlePostmarkWebhook } = await import('@plinth/email/postmark')
  const { username, password, previousPassword } = webhook
  const passwords = [password, ...(previousPassword === undefined ? [] : [previousPassword])]
  const logins = passwords.map((each) => ({ user: username, password: each }))
  const { logger, track: waitUntil } = context
  return [
    async (request) =>
      new URL(request.url).pathname === POSTMARK_WEBHOOK_PATH
        ? handlePostmarkWebhook(request, { mailer, logins, logger, waitUntil })
        : undefined,
  ]
}

async function mailboxHandlers(
  source: MailboxSource | undefined,
  mailer: Mailer,
  { mode, options }: EmailContext,
): Promise<readonly WebHandler[]> {
  if (source === undefined || mode === 'production') return []
  const { createMailbox } = await import('@plinth/email/mailbox')
  return [createMailbox({ source, mailer, templates: options.templates ?? [], production: false })]
}

/** Says in the words of the start what a transport's error means: a mistake of ours, or a provider that is away. */
function sortedFault(error: unknown): never {
  if (!(error instanceof EmailError)) throw error
  if (error.retryable || error.ambiguous)
    throw new BackendUnavailableError(error.message, { reason: 'refused', cause: error })
  throw new MisconfiguredError(error.message, { cause: error })
}
