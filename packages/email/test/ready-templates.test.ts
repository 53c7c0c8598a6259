import { describe, expect, it } from 'vitest'
import { createMailer, EmailError, type EmailTemplate, memoryTransport } from '../src/index.js'
import { readyTemplates } from '../src/templates/index.js'

const clock = { now: () => Date.UTC(2026, 0, 2), elapsed: () => 0 }
const ready = readyTemplates()
const templates = Object.values(ready) as readonly EmailTemplate<unknown>[]
const mailer = createMailer({
  transport: memoryTransport(),
  from: { name: 'Example Shop', address: 'hello@example.com' },
  clock,
})

describe('a ready template', () => {
  it.each(templates.map((template) => [template.name, template] as const))(
    '%s reads, from its example, as it did before',
    async (_name, template) => {
      expect(await mailer.preview(template)).toMatchSnapshot()
    },
  )

  it.each(templates.map((template) => [template.name, template] as const))(
    '%s has a dark look for every colour of its light one, and loads nothing',
    async (_name, template) => {
      const content = await mailer.preview(template)
      if (content.kind !== 'rendered') throw new Error('Not rendered here.')
      const markup = content.html ?? ''
      for (const [tag] of markup.matchAll(/<(?!a )[a-z0-9]+[^>]*style="[^"]*(?:;|")color:[^"]*"[^>]*>/g)) {
        expect(tag).toMatch(/class="[^"]*p-(?:ink|quiet|link)/)
      }
      expect(markup).toContain('prefers-color-scheme: dark')
      expect(markup).not.toMatch(/<(?:script|link|iframe|img)\b|url\(|@import/)
      expect(content.text).not.toMatch(/<[a-z]/)
    },
  )

  it('takes hostile props as text, and no link that runs something', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'&'
    const { notification, resetPassword } = ready
    const content = await mailer.preview(notification, { name: evil, title: evil, message: evil })
    expect(JSON.stringify(content.kind === 'rendered' && content.html)).not.toContain('<img')
    const props = { resetUrl: 'javascript:alert(1)' }
    await expect(mailer.preview(resetPassword, props)).rejects.toBeInstanceOf(EmailError)
  })
})
