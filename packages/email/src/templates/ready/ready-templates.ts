import { defineTemplate, type TemplateLayout } from '../define-template.js'
import { type Html, html } from '../html.js'
import type { EmailTemplate } from '../template.js'
import { emailLayout } from './layout.js'
import {
  button,
  type CalloutTone,
  callout,
  codeBox,
  heading,
  paragraph,
  plainLink,
  preheader,
  quiet,
} from './partials.js'
import { type PropsOf, propsSchema } from './ready-props.js'

/** Options of {@link readyTemplates}. */
export interface ReadyTemplatesOptions {
  /** What surrounds every message. Default: {@link emailLayout}. */
  readonly layout?: TemplateLayout
  /** The colour of buttons; must carry white text. Default a blue. */
  readonly brandColor?: string
}

const WELCOME = { name: 'text?', actionUrl: 'url?', actionLabel: 'text?' } as const
const VERIFY = { name: 'text?', verifyUrl: 'url', code: 'text?', expiresIn: 'text?' } as const
const RESET = { name: 'text?', resetUrl: 'url', expiresIn: 'text?' } as const
const NOTIFICATION = {
  name: 'text?',
  title: 'text',
  message: 'text',
  tone: 'text?',
  actionUrl: 'url?',
  actionLabel: 'text?',
} as const

/** The four messages that nearly every service sends first. */
export interface ReadyTemplates {
  /** After a sign-up. */
  readonly welcome: EmailTemplate<PropsOf<typeof WELCOME>>
  /** Asks to confirm an address, by a link and if given a code. */
  readonly verifyAddress: EmailTemplate<PropsOf<typeof VERIFY>>
  /** Carries the link by which a password is set anew. */
  readonly resetPassword: EmailTemplate<PropsOf<typeof RESET>>
  /** Says that something happened. `tone` is `info` (default), `success`, `warning` or `danger`. */
  readonly notification: EmailTemplate<PropsOf<typeof NOTIFICATION>>
}

/** Gives the four ready templates, in your layout or ours; right in light and in dark mail clients. */
export function readyTemplates(options: ReadyTemplatesOptions = {}): ReadyTemplates {
  const { layout = emailLayout(), brandColor } = options
  return {
    welcome: defineTemplate({
      name: 'welcome',
      props: propsSchema(WELCOME),
      layout,
      subject: (_, { companyName }) => `Welcome to ${companyName}`,
      html: (
        { name, actionUrl, actionLabel },
        { companyName },
      ) => html`${preheader(`Your ${companyName} account is ready.`)}
${heading(`Welcome to ${companyName}`)}
${greeting(name)}
${paragraph('Thank you for signing up. Your account is ready to use.')}
${actionUrl !== undefined && button(actionLabel ?? 'Get started', actionUrl, brandColor)}
${paragraph('If you have a question, just reply to this email.')}`,
      example: { name: 'Ada', actionUrl: 'https://app.example.com/start', actionLabel: 'Open your dashboard' },
    }),

    verifyAddress: defineTemplate({
      name: 'verify-address',
      props: propsSchema(VERIFY),
      layout,
      subject: (_, { companyName }) => `Confirm your email address for ${companyName}`,
      html: ({ name, verifyUrl, code, expiresIn }) => html`${preheader('One click, and your address is confirmed.')}
${heading('Confirm your email address')}
${greeting(name)}
${paragraph('Please confirm that this is your address.')}
${button('Confirm address', verifyUrl, brandColor)}
${code !== undefined && html`${paragraph('Or enter this code:')}${codeBox(code)}`}
${expiresIn !== undefined && quiet(`This link works for ${expiresIn}.`)}
${quiet(html`If the button does not work, open this address: ${plainLink(verifyUrl)}`)}
${quiet('If you did not sign up, you can ignore this email.')}`,
      example: {
        name: 'Ada',
        verifyUrl: 'https://app.example.com/verify?token=9f8b2c',
        code: '482913',
        expiresIn: '24 hours',
      },
    }),

    resetPassword: defineTemplate({
      name: 'reset-password',
      props: propsSchema(RESET),
      layout,
      subject: (_, { companyName }) => `Reset your ${companyName} password`,
      html: (
        { name, resetUrl, expiresIn },
        { companyName },
      ) => html`${preheader('Choose a new password with the link inside.')}
${heading('Reset your password')}
${greeting(name)}
${paragraph(`Somebody, hopefully you, asked for a new password for your ${companyName} account.`)}
${button('Choose a new password', resetUrl, brandColor)}
${expiresIn !== undefined && quiet(`This link works once, for ${expiresIn}.`)}
${quiet(html`If the button does not work, open this address: ${plainLink(resetUrl)}`)}
${callout('warning', 'If it was not you, ignore this email: your password stays as it is. Never pass this link on.')}`,
      example: { name: 'Ada', resetUrl: 'https://app.example.com/reset?token=9f8b2c', expiresIn: '1 hour' },
    }),

    notification: defineTemplate({
      name: 'notification',
      props: propsSchema(NOTIFICATION),
      layout,
      subject: ({ title }) => title.replace(/\s+/g, ' '),
      html: ({ name, title, message, tone, actionUrl, actionLabel }) => html`${preheader(message.slice(0, 120))}
${heading(title)}
${greeting(name)}
${callout(toneOf(tone), message.split(/\n{2,}/).map(asParagraph))}
${actionUrl !== undefined && button(actionLabel ?? 'Open', actionUrl, brandColor)}`,
      example: {
        name: 'Ada',
        title: 'Your export is ready',
        message: 'The file holds 1,204 posts.\n\nIt can be downloaded for seven days.',
        tone: 'success',
        actionUrl: 'https://app.example.com/exports/17',
        actionLabel: 'Download',
      },
    }),
  }
}

function greeting(name: string | undefined): Html {
  return paragraph(name === undefined ? 'Hello,' : `Hello ${name},`)
}

function toneOf(tone: string | undefined): CalloutTone {
  return tone === 'success' || tone === 'warning' || tone === 'danger' ? tone : 'info'
}

function asParagraph(text: string, index: number): Html {
  const lines = text.split('\n').map((line, at) => html`${at > 0 && html`<br>`}${line}`)
  return html`<p style="margin:${index === 0 ? 0 : '12px'} 0 0">${lines}</p>`
}
