import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMailer, type Mailer, type MemoryTransport, memoryTransport, unsafeHtml } from '../src/index.js'
import { createMailbox, type Mailbox } from '../src/mailbox/index.js'
import { readyTemplates } from '../src/templates/index.js'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Calls home in every way that a page can; `origin` counts the calls. */
function hostileHtml(origin: string): string {
  const call = (way: string): string => `fetch('${origin}/script/${way}',{mode:'no-cors'});document.title='owned'`
  return `<h1>Invoice</h1>
<script>${call('script')}; try { top.document.title = 'owned' } catch {}</script>
<script src="${origin}/script/src"></script>
<img src="x:" onerror="${call('onerror')}">
<svg onload="${call('svg')}"></svg>
<body onload="${call('body')}">
<details open ontoggle="${call('toggle')}">x</details>
<iframe src="javascript:${call('frame')}"></iframe>
<iframe srcdoc="<script>${call('srcdoc')}</script>"></iframe>
<object data="${origin}/script/object"></object>
<form id="f" action="${origin}/script/form"></form><input form="f" type="image" src="x:" onerror="this.form.submit()">
<meta http-equiv="refresh" content="0;url=${origin}/script/refresh">
<base href="${origin}/">
<a id="link" href="javascript:${call('link')}">click me</a>`
}

let browser: Browser
let server: Server
let origin: string
let calls: string[] = []
let transport: MemoryTransport
let mailer: Mailer
let mailbox: Mailbox

beforeAll(async () => {
  if (executablePath === undefined) throw new Error('These tests need Chromium. Run: apt-get install chromium')
  browser = await chromium.launch({ executablePath, args: browserArguments })
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname.startsWith('/script/')) calls.push(url.pathname)
    if (url.pathname === '/unprotected') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(hostileHtml(origin))
      return
    }
    const answer = await mailbox(new Request(url, { method: request.method ?? 'GET' }))
    response.writeHead(answer?.status ?? 404, Object.fromEntries(answer?.headers ?? []))
    response.end(Buffer.from((await answer?.arrayBuffer()) ?? new ArrayBuffer(0)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  await browser?.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

beforeEach(() => {
  calls = []
  transport = memoryTransport()
  mailer = createMailer({ transport, from: { name: 'Example', address: 'hello@example.com' } })
  const templates = Object.values(readyTemplates())
  mailbox = createMailbox({ source: transport.mailbox, mailer, templates, production: false })
})

async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options)
  await page.goto(`${origin}${path}`)
  return page
}

/** Gives scripts, frames and refreshes the time to run if they could. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500))

describe('the mailbox page, in a browser', () => {
  it('shows the list, and a message in each of its views', async () => {
    const picture = Buffer.from('R0lGODlhAQABAIAAAP8AAAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64')
    await mailer.sendMessage({
      to: { name: 'Ada <b>', address: 'ada@example.com' },
      subject: 'Hello <i>there</i>',
      html: unsafeHtml('<p id="body">Good news</p><a href="https://example.com/go">Go</a><img id="pic" src="cid:dot">'),
      headers: { 'X-Campaign': 'spring' },
      attachments: [{ filename: 'dot.gif', content: picture, contentType: 'image/gif', contentId: 'dot' }],
    })
    const page = await open('/__plinth/mailbox/', { viewport: { width: 390, height: 800 } })
    expect(await page.locator('.rows').textContent()).toContain('Hello <i>there</i>')
    await page.locator('.rows a').click()
    expect(await page.locator('h1').textContent()).toBe('Hello <i>there</i>')
    expect(await page.locator('dl').textContent()).toContain('"Ada <b>" <ada@example.com>')
    const frame = page.frameLocator('iframe')
    expect(await frame.locator('#body').textContent()).toBe('Good news')
    const width = await frame
      .locator('#pic')
      .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)
    expect(width).toBe(1)
    await page.getByRole('link', { name: 'Text', exact: true }).click()
    expect(await page.locator('pre').textContent()).toContain('Go (https://example.com/go)')
    await page.getByRole('link', { name: 'Headers', exact: true }).click()
    expect(await page.locator('pre').textContent()).toContain('X-Campaign: spring')
    await page.getByRole('link', { name: 'JSON', exact: true }).click()
    await page.getByRole('link', { name: 'The message as JSON' }).click()
    expect(JSON.parse((await page.locator('body').textContent()) ?? '')).toMatchObject({
      message: { to: [{ address: 'ada@example.com' }], attachments: [{ filename: 'dot.gif' }] },
    })
    await page.close()
  })

  it('previews every ready template with its example, in light and in dark', async () => {
    const page = await browser.newPage()
    for (const scheme of ['light', 'dark']) {
      for (const { name } of Object.values(readyTemplates())) {
        await page.goto(`${origin}/__plinth/mailbox/templates/${name}?scheme=${scheme}&width=phone`)
        const frame = page.frameLocator('iframe')
        await frame.locator('h1').waitFor()
        const background = await frame
          .locator('.p-card')
          .first()
          .evaluate((card) => (globalThis as unknown as Window).getComputedStyle(card).backgroundColor)
        expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(31, 37, 43)')
      }
    }
    await page.close()
  })

  it('runs no script of a message, in the frame or on its own', async () => {
    await mailer.sendMessage({
      to: { name: '</title><script>1</script>', address: 'ada@example.com' },
      subject: `<script>fetch('${origin}/script/subject')</script>`,
      html: unsafeHtml(hostileHtml(origin)),
    })
    const id = (await transport.mailbox.list(1))[0]?.id
    for (const path of ['', `messages/${id}`, `messages/${id}?part=text`, `messages/${id}/html`]) {
      const page = await open(`/__plinth/mailbox/${path}`)
      const title = await page.title()
      await settle()
      expect(await page.title()).toBe(title)
      expect(page.url()).toBe(`${origin}/__plinth/mailbox/${path}`)
      await page.close()
    }
    const page = await open(`/__plinth/mailbox/messages/${id}`)
    await page.frameLocator('iframe').locator('#link').click()
    await settle()
    expect(calls).toEqual([])
    await page.close()
  })

  it('is tested with a message that does run its scripts where nothing protects', async () => {
    const page = await open('/unprotected')
    await settle()
    expect(calls.length).toBeGreaterThan(3)
    await page.close()
  })
})

interface Window {
  getComputedStyle(element: unknown): { readonly backgroundColor: string }
}

describe('the mailbox handler', () => {
  const ask = (path: string, init: RequestInit = {}, host = 'localhost') =>
    mailbox(new Request(`http://${host}${path}`, init))

  it('answers only under its path, for reading, and to names of this machine', async () => {
    expect(await ask('/')).toBeUndefined()
    expect(await ask('/__plinth/mailboxes')).toBeUndefined()
    expect((await ask('/__plinth/mailbox'))?.status).toBe(200)
    expect((await ask('/__plinth/mailbox', { method: 'POST' }))?.status).toBe(405)
    expect((await ask('/__plinth/mailbox', {}, 'attacker.example'))?.status).toBe(403)
    expect((await ask('/__plinth/mailbox/messages/none'))?.status).toBe(404)
    expect((await ask('/__plinth/mailbox/messages/..%2f..%2fetc%2fpasswd'))?.status).toBe(404)
    expect((await ask('/__plinth/mailbox/templates/none'))?.status).toBe(404)
    mailbox = createMailbox({ source: transport.mailbox, hosts: ['Dev.Internal'], path: '/mail/', production: false })
    expect((await ask('/mail/', {}, 'dev.internal'))?.status).toBe(200)
  })

  it('refuses production', () => {
    expect(() => createMailbox({ source: transport.mailbox, production: true })).toThrow(/production/)
  })

  it('gives attachments to be saved, never shown', async () => {
    await mailer.sendMessage({
      to: 'ada@example.com',
      subject: 'Hi',
      text: 'Hi',
      attachments: [{ filename: 'ä "x".html', content: Buffer.from('<script>1</script>'), contentType: 'text/html' }],
    })
    const id = (await transport.mailbox.list(1))[0]?.id
    const response = await ask(`/__plinth/mailbox/messages/${id}/attachments/0`)
    expect(response?.headers.get('content-type')).toBe('application/octet-stream')
    expect(response?.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''%C3%A4%20%22x%22.html")
    expect((await ask(`/__plinth/mailbox/messages/${id}/attachments/9`))?.status).toBe(404)
  })
})
