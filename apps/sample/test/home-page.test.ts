import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frameworks, type ServedSample, serveSample } from './served-sample.js'

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

let browser: Browser
beforeAll(async () => {
  if (executablePath === undefined) throw new Error('These tests need Chromium. Run: apt-get install chromium')
  browser = await chromium.launch({ executablePath, args: browserArguments })
})
afterAll(() => browser?.close())

describe.each(frameworks)('%s', (framework) => {
  let served: ServedSample
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    served = await serveSample(framework)
    page = await browser.newPage({ viewport: { width: 390, height: 844 } })
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // A refused search is a 429 on purpose; the browser reports each as an error.
      if (message.type() === 'error' && !message.text().includes('429')) problems.push(message.text())
    })
    await page.goto(served.url)
  })
  afterAll(async () => {
    await page.close()
    await served.close()
  })

  test('shows every component with its state', async () => {
    await page.locator('#components tr').nth(4).waitFor()
    const rows = await page.locator('#components tr').allTextContents()
    const names = await page.locator('#components td:first-child').allTextContents()
    expect(names.toSorted()).toEqual(['cache', 'database', 'email', 'rateLimiter', 'tasks'])
    expect(rows.every((row) => row.includes('healthy'))).toBe(true)
  })

  test('fits a phone: nothing sticks out sideways', async () => {
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  })

  test('a sign-up shows the member and the mail that was queued', async () => {
    await page.getByRole('button', { name: 'Sign up' }).click()
    await page.getByText(/Ada is a free member/).waitFor()
    await page.getByText(/welcome mail was queued/).waitFor()
    expect(await page.locator('#mailbox').isVisible()).toBe(true)
  })

  test('a read is computed, then a hit, and computed again after a change', async () => {
    const outcome = page.locator('#outcome')
    await page.getByRole('button', { name: 'Read the post' }).click()
    await expect.poll(() => outcome.textContent()).toBe('computed')
    await page.getByRole('button', { name: 'Read the post' }).click()
    await expect.poll(() => outcome.textContent()).toBe('hit')
    expect(await page.locator('#cache-status').textContent()).toMatch(/Cache-Status: .+; ?hit/)
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByText('Changed. Read it again').waitFor()
    await page.getByRole('button', { name: 'Read the post' }).click()
    await expect.poll(() => page.locator('#post').textContent()).toMatch(/^Changed at/)
    expect(await outcome.textContent()).toBe('computed')
  })

  test('the limit fills up, refuses, and says when to come back', async () => {
    await page.getByRole('button', { name: 'Search 6 times' }).click()
    await page.getByText(/429 Too Many Requests. Retry-After: \d+ s/).waitFor()
    expect(await page.evaluate('document.querySelector("#meter").value')).toBe(0)
  })

  test('an export shows its progress and ends with a file', async () => {
    await page.getByRole('button', { name: 'Export all posts' }).click()
    await page.getByText(/running: \d of \d posts/).waitFor()
    await page.getByRole('button', { name: 'Download the file' }).waitFor()
    expect(await page.locator('#export-state').textContent()).toBe('completed')
  })

  test('the mailbox shows the welcome mail', async () => {
    const mailbox = await browser.newPage()
    await mailbox.goto(`${served.url}/__plinth/mailbox`)
    await mailbox
      .getByText(/Welcome/)
      .first()
      .waitFor()
    await mailbox.close()
  })

  test('nothing went wrong in the page', () => {
    expect(problems).toEqual([])
  })
})
