import { type Html, type HtmlValue, html } from '../html.js'
import { styles } from './look.js'

/** The line that mailboxes show after the subject; not seen in the message itself. */
export function preheader(text: string): Html {
  return html`<div style="${styles.hidden}">${text}</div>`
}

/** The heading of a message. */
export function heading(content: HtmlValue): Html {
  return html`<h1 class="p-ink" style="${styles.heading}">${content}</h1>`
}

/** A paragraph. */
export function paragraph(content: HtmlValue): Html {
  return html`<p class="p-ink" style="${styles.paragraph}">${content}</p>`
}

/** A paragraph in small, quiet type. */
export function quiet(content: HtmlValue): Html {
  return html`<p class="p-quiet" style="${styles.quiet}">${content}</p>`
}

/** A button that is a link. `color` must carry white text. */
export function button(label: string, url: string, color = '#2456c7'): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 24px"><tr>
<td align="center" bgcolor="${color}" style="background-color:${color};border-radius:7px"><a href="${url}" target="_blank" rel="noopener" style="${styles.button}">${label}</a></td>
</tr></table>`
}

/** A link shown in full, for clients that do not show buttons. */
export function plainLink(url: string): Html {
  return html`<a class="p-link" href="${url}" style="${styles.link}">${url}</a>`
}

/** How urgent a {@link callout} looks. */
export type CalloutTone = 'info' | 'success' | 'warning' | 'danger'

const EDGES: Readonly<Record<CalloutTone, string>> = {
  info: '#2f6fe0',
  success: '#1f9d57',
  warning: '#d08700',
  danger: '#d43d3d',
}

/** A box with a coloured edge. */
export function callout(tone: CalloutTone, content: HtmlValue): Html {
  return html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 20px"><tr>
<td class="p-box p-ink" bgcolor="#f3f5f8" style="padding:16px 18px;background-color:#f3f5f8;border-left:4px solid ${EDGES[tone]};border-radius:4px;${styles.body}">${content}</td>
</tr></table>`
}

/** A short code to read and type, in large spaced letters. */
export function codeBox(code: string): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:4px 0 24px"><tr>
<td class="p-box p-ink" bgcolor="#f3f5f8" style="padding:12px 20px;background-color:#f3f5f8;border-radius:7px;${styles.code}">${code}</td>
</tr></table>`
}
