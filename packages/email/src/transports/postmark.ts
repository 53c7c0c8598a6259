export { type PostmarkTransportOptions, postmarkTransport } from './postmark/postmark-transport.js'
export { handlePostmarkWebhook, type PostmarkWebhookOptions } from './postmark/postmark-webhook.js'
export type { WebhookHeader, WebhookLogin } from './postmark/webhook-credentials.js'
