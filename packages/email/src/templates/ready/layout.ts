import type { TemplateLayout } from '../define-template.js'
import { type Html, html, unsafeHtml } from '../html.js'
import { styleSheet, styles } from './look.js'

/** Options of {@link emailLayout}. */
export interface EmailLayoutOptions {
  /** A picture shown instead of the company's name: an https address, its text, and its width in pixels. */
  readonly logo?: { readonly url: string; readonly alt: string; readonly width: number }
  /** Lines at the end of every message, such as the company's address. */
  readonly footer?: readonly string[]
}

/**
 * Gives the layout of the ready templates: one card with a name or logo above and a quiet footer below, in tables that
 * old clients lay out, light and dark. The footer has the opt-out link when the message has one.
 */
export function emailLayout(options: EmailLayoutOptions = {}): TemplateLayout {
  const { logo, footer = [] } = options
  return (body, { subject, companyName, year, domain, unsubscribeUrl }) => html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>${subject}</title>
${unsafeHtml(`<style>${styleSheet}</style>`)}
</head>
<body class="p-page" style="${styles.page}">
<table class="p-outer" role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="${styles.outer}">
<tr><td align="center" style="padding:32px 12px">
<table class="p-wide" role="presentation" width="560" cellpadding="0" cellspacing="0" border="0" style="width:560px;max-width:100%">
<tr><td class="p-ink" style="padding:0 8px 20px;${styles.name}">${logo === undefined ? companyName : picture(logo)}</td></tr>
<tr><td class="p-card" style="${styles.card}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="p-card-cell p-ink" style="padding:36px 40px 24px;${styles.body}">${body}</td></tr>
</table>
</td></tr>
<tr><td class="p-quiet" style="padding:22px 8px 0;${styles.footer}">
${footer.map((line) => html`${line}<br>`)}© ${year} ${companyName} · ${domain}${
    unsubscribeUrl === undefined
      ? ''
      : html` · <a class="p-quiet" style="${styles.footer}" href="${unsubscribeUrl}">Unsubscribe</a>`
  }
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>`
}

function picture({ url, alt, width }: { readonly url: string; readonly alt: string; readonly width: number }): Html {
  return html`<img src="${url}" alt="${alt}" width="${width}" style="display:block;border:0;max-width:100%">`
}
