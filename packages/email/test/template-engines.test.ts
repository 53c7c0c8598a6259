import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMailer, type EmailTemplate, memoryTransport } from '../src/index.js'

// The examples of the guide, run as they are printed there.
interface Receipt {
  readonly name: string
  readonly url: string
}

const guide = new URL('../../../docs/guides/email-template-engines.md', import.meta.url)
const examples: EmailTemplate<Receipt>[] = []
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(fileURLToPath(new URL('..', import.meta.url)), '.guide-'))
  const blocks = [...(await readFile(guide, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms)]
  for (const [index, [, code]] of blocks.entries()) {
    const file = join(folder, `example-${index}.ts`)
    await writeFile(file, code ?? '')
    const { receipt } = (await import(pathToFileURL(file).href)) as { receipt: EmailTemplate<Receipt> }
    examples.push(receipt)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['React Email', 0],
  ['MJML', 1],
])('a template rendered by %s is sent with its values escaped and a text part', async (_, index) => {
  const example = examples[index]
  if (example === undefined) throw new Error('The guide lost an example.')
  const transport = memoryTransport()
  const mailer = createMailer({ transport, from: 'hello@example.com' })
  const props = { name: '<script>alert("x")</script> & Co', url: 'https://shop.example.com/?a=1&b=%22' }
  expect(await mailer.send(example, { to: 'ada@example.com', props })).toMatchObject({ status: 'sent' })
  const { content } = transport.assertSent()
  if (content.kind !== 'rendered') throw new Error('It was rendered here.')
  expect(content.html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; Co')
  expect(content.html).not.toContain('<script')
  expect(content.html).toContain('href="https://shop.example.com/?a=1&amp;b=%22"')
  expect(content.html).not.toContain('fonts.googleapis')
  expect(content.text).toContain('Hello <script>alert("x")</script> & Co,')
  expect(content.text).toContain('https://shop.example.com/?a=1&b=%22')

  const preview = await mailer.preview(example)
  expect(preview).toMatchObject({ kind: 'rendered', subject: 'A receipt for Ada Lovelace' })
  await expect(
    mailer.send(example, { to: 'ada@example.com', props: { ...props, url: 'javascript:alert(1)' } }),
  ).rejects.toMatchObject({ kind: 'template' })
})
