const FONT = 'font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'

type StyleName =
  | 'page'
  | 'outer'
  | 'card'
  | 'name'
  | 'body'
  | 'heading'
  | 'paragraph'
  | 'quiet'
  | 'link'
  | 'button'
  | 'code'
  | 'footer'
  | 'hidden'

/**
 * The styles that stand on elements: the light look.
 *
 * Mail clients read `style` attributes; only some read a style sheet. So the light look is written on every element, and
 * the dark one is a style sheet that overrides it by class for clients that say they are dark: those that follow
 * `prefers-color-scheme` (Apple Mail, iOS, Thunderbird) and Outlook's apps, which mark the body with `data-ogsc`.
 */
export const styles: Readonly<Record<StyleName, string>> = {
  page: 'margin:0;padding:0;width:100%;background-color:#eef1f4;-webkit-text-size-adjust:100%',
  outer: 'background-color:#eef1f4',
  card: 'background-color:#ffffff;border-radius:10px',
  name: `${FONT};font-size:17px;line-height:24px;font-weight:700;color:#1b2026`,
  body: `${FONT};font-size:16px;line-height:25px;color:#1b2026`,
  heading: `${FONT};margin:0 0 16px;font-size:22px;line-height:30px;font-weight:700;color:#1b2026`,
  paragraph: `${FONT};margin:0 0 16px;font-size:16px;line-height:25px;color:#1b2026`,
  quiet: `${FONT};margin:0 0 12px;font-size:14px;line-height:22px;color:#5b6672`,
  link: 'color:#2456c7;word-break:break-all',
  button: `${FONT};display:inline-block;padding:13px 26px;font-size:16px;line-height:22px;font-weight:600;color:#ffffff;text-decoration:none;border-radius:7px`,
  code: 'font-family:ui-monospace,Menlo,Consolas,monospace;font-size:26px;line-height:34px;letter-spacing:5px;font-weight:700;color:#1b2026',
  footer: `${FONT};font-size:13px;line-height:20px;color:#5b6672`,
  hidden: 'display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all',
}

const DARK = [
  ['.p-page, .p-outer', 'background-color:#14181c !important'],
  ['.p-card', 'background-color:#1f252b !important'],
  ['.p-ink', 'color:#e8ebef !important'],
  ['.p-quiet', 'color:#a4aeb9 !important'],
  ['.p-link', 'color:#9dbcff !important'],
  ['.p-box', 'background-color:#2a323a !important'],
] as const

/** The style sheet: the dark look, twice, and what narrow screens change. */
export const styleSheet: string = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (max-width: 620px) { .p-card-cell { padding: 28px 22px !important; } .p-wide { width: 100% !important; } }
@media (prefers-color-scheme: dark) { ${DARK.map(([selector, rule]) => `${selector} { ${rule} }`).join(' ')} }
${DARK.map(([selector, rule]) => `${selector.replace(/\./g, '[data-ogsc] .')} { ${rule} }`).join('\n')}
`
