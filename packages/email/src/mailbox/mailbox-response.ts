import { type Html, html } from '../templates/html.js'
import { mailboxStyle } from './mailbox-style.js'

const COMMON = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** Our own pages run nothing, load nothing, and cannot be framed. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * A message is somebody else's page: an origin of its own, no scripts, no forms, nothing but styles and pictures, also
 * when it is opened outside of the frame. Its links open in new windows.
 */
const MESSAGE_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline' https:; img-src data: http: https:; font-src data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

/** Answers with one of the mailbox's own pages. */
export function pageResponse(base: string, title: string, body: Html, refresh = false): Response {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
${refresh && html`<meta http-equiv="refresh" content="5">`}
<title>${title} · Mailbox</title>
${mailboxStyle}
</head>
<body>
<header><strong>Mailbox</strong><a href="${base}/">Messages</a><a href="${base}/templates">Templates</a></header>
<main>${body}</main>
</body>
</html>`
  return respond(page.toString(), 'text/html; charset=utf-8', PAGE_POLICY)
}

/** Answers with a message's HTML, for the sandboxed frame. */
export function messageResponse(markup: string): Response {
  return respond(`<base target="_blank">${markup}`, 'text/html; charset=utf-8', MESSAGE_POLICY)
}

/** Answers with text or JSON. */
export function textResponse(text: string, type: 'text/plain' | 'application/json'): Response {
  return respond(text, `${type}; charset=utf-8`, "default-src 'none'")
}

/** Answers with an attachment, always to be saved and never shown, except a picture that a message refers to. */
export function fileResponse(bytes: Uint8Array, filename: string, contentType: string): Response {
  const picture = /^image\/(?:png|jpeg|gif|webp)$/.test(contentType)
  const disposition = `${picture ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(filename)}`
  return new Response(Uint8Array.from(bytes), {
    headers: {
      ...COMMON,
      // The frame of a message has an origin of its own, and asks from there.
      'cross-origin-resource-policy': 'cross-origin',
      'content-type': picture ? contentType : 'application/octet-stream',
      'content-disposition': disposition,
      'content-security-policy': "default-src 'none'; sandbox",
    },
  })
}

/** Answers that there is no such page, or that it may not be seen like this. */
export function refusal(status: 403 | 404 | 405, reason: string): Response {
  return new Response(`${reason}\n`, { status, headers: { ...COMMON, 'content-type': 'text/plain; charset=utf-8' } })
}

function respond(body: string, type: string, policy: string): Response {
  return new Response(body, { headers: { ...COMMON, 'content-type': type, 'content-security-policy': policy } })
}
