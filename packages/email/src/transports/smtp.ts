export { type SmtpTransportOptions, smtpTransport } from './smtp/smtp-transport.js'
