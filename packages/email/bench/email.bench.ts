import { type Contestant, compare } from '@plinth/bench'
import { createMailer, memoryTransport } from '@plinth/email'
import { postmarkTransport } from '@plinth/email/postmark'
import { readyTemplates } from '@plinth/email/templates'
import { PostmarkStandIn } from '@plinth/testing/postmark'
import { createTransport } from 'nodemailer'

const { notification } = readyTemplates()
const from = { name: 'Example Shop', address: 'hello@example.com' }
const propsOf = (index: number) => ({ ...notification.example, name: `Reader ${index}` })
const addressOf = (index: number): string => `reader-${index}@example.com`

/** All that a mailer does: props, rendering, every check, the suppression list, the idempotency claim, the hand-over. */
function ours(): Contestant {
  const mailer = createMailer({ transport: memoryTransport({ limit: 100 }), from })
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) {
        await mailer.send(notification, { to: addressOf(index), props: propsOf(index) })
      }
    },
    close: () => mailer.close(),
  }
}

/** The same template, then nodemailer builds the message as JSON. */
function nodemailerJson(): Contestant {
  const transporter = createTransport({ jsonTransport: true })
  const variables = { companyName: from.name, year: 2026, domain: 'example.com' }
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) {
        const content = await notification.render(propsOf(index), variables)
        if (content.kind !== 'rendered') throw new Error('The template is rendered here.')
        const { subject, html, text } = content
        await transporter.sendMail({
          from,
          to: addressOf(index),
          subject,
          text,
          ...(html === undefined ? {} : { html }),
        })
      }
    },
  }
}

await compare({
  name: 'email: render a ready template and hand it over',
  ops: 10_000,
  ours,
  peers: { 'nodemailer json transport': nodemailerJson },
})

/** Counted, not timed: how many requests a bulk send costs. */
const postmark = await new PostmarkStandIn().listen()
const transport = postmarkTransport({ serverToken: postmark.token, endpoint: postmark.endpoint })
const mailer = createMailer({ transport, from })
const messages = Array.from({ length: 10_000 }, (_, index) => ({ to: addressOf(index), props: propsOf(index) }))
const results = await mailer.sendMany(notification, messages, { timeout: '2m' })
const sent = results.filter(({ status }) => status === 'sent').length
console.log(`email: bulk: ${sent} messages sent in ${postmark.requests.length} requests`)
await mailer.close()
await postmark.close()
