export { createMailer } from './create-mailer.js'
export { disabledMailer } from './disabled-mailer.js'
export type { EmailTrace } from './email-channels.js'
export { EmailError, type EmailErrorCode, type EmailErrorKind, type EmailErrorOptions } from './email-error.js'
export type { EmailPriority, EmailQueue, EnqueueEmailOptions, QueuedEmail, QueueItem } from './email-queue.js'
export type { MailboxSource, StoredEmail } from './mailbox/stored-email.js'
export type {
  BulkMessage,
  BulkProgress,
  BulkResult,
  DeliveryOptions,
  FailedResult,
  Mailer,
  SendManyOptions,
  SendOptions,
  TemplateMessage,
  WrittenMessage,
} from './mailer.js'
export type { CreateMailerOptions, MailerVariables } from './mailer-options.js'
export { type AddressInput, type EmailAddress, formatAddress, type Recipients } from './message/address.js'
export { addressHash } from './message/address-hash.js'
export type { EmailAttachment } from './message/attachment.js'
export type { EmailHeader } from './message/header.js'
export {
  headersOf,
  type LinkTracking,
  type Message,
  type MessageContent,
  type ProviderContent,
  type RenderedContent,
  recipientsOf,
  subjectOf,
} from './message/message.js'
export type { AttachmentJson, MessageJson } from './message/message-json.js'
export type { Envelope } from './message/prepare-message.js'
export type {
  DeliveryResult,
  PartialResult,
  QueuedResult,
  RecipientOutcome,
  SendResult,
  SentResult,
  SkippedResult,
  SkipReason,
} from './send-result.js'
export type { EmailStore } from './stores/email-store.js'
export { type MemoryStoreOptions, memoryStore } from './stores/memory-store.js'
export {
  type RedisStoreCommands,
  type RedisStoreConnection,
  type RedisStoreOptions,
  redisStore,
} from './stores/redis-store.js'
export {
  furtherState,
  type MemorySendLog,
  memorySendLog,
  SEND_STATES,
  type SendLog,
  type SendLogChange,
  type SendLogEntry,
  type SendState,
} from './stores/send-log.js'
export { type SuppressionList, type SuppressionReason, storedSuppressionList } from './stores/suppression-list.js'
export { type DefineProviderTemplateOptions, defineProviderTemplate } from './templates/define-provider-template.js'
export {
  type DefineTemplateOptions,
  defineTemplate,
  type TemplateLayout,
  type TemplatePart,
} from './templates/define-template.js'
export { escapeHtml, Html, type HtmlValue, html, unsafeHtml } from './templates/html.js'
export { htmlToText } from './templates/html-to-text.js'
export type { EmailTemplate, TemplateVariables } from './templates/template.js'
export type {
  BatchItem,
  Delivery,
  EmailTransport,
  TransportBatch,
  TransportCall,
  TransportLookup,
} from './transport.js'
export { type ConsoleTransportOptions, consoleTransport } from './transports/console.js'
export {
  type MemoryFault,
  type MemoryTransport,
  type MemoryTransportOptions,
  memoryTransport,
  type SentFilter,
} from './transports/memory.js'
export { type OutboxTransport, type OutboxTransportOptions, outboxTransport } from './transports/outbox.js'
export type { EmailEvent, EmailEventReason, EmailEventType } from './webhooks/email-event.js'
