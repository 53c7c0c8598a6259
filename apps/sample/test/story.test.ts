import { registerChecks } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client, signUp } from './client.js'
import { frameworks, type ServedSample, serveSample } from './served-sample.js'
import { story } from './story.js'

describe.each(frameworks)('%s', (framework) => {
  describe('on embedded defaults', () => {
    let served: ServedSample
    beforeAll(async () => {
      served = await serveSample(framework)
    })
    afterAll(() => served.close())
    registerChecks(story, () => ({ client: new Client(served.url) }))

    test('the welcome mail is delivered in the background, and can be read in the mailbox', async () => {
      const { url } = served
      await signUp(new Client(url))
      await expect.poll(async () => (await new Client(url).get('/__plinth/mailbox')).text).toContain('Welcome')
    })
  })

  test.each([['CACHE'], ['RATE_LIMITER'], ['TASKS'], ['EMAIL'], ['CACHE', 'RATE_LIMITER', 'TASKS', 'EMAIL']])(
    'every route answers with %s off, %s %s %s',
    async (...off) => {
      const env = Object.fromEntries(off.filter(Boolean).map((name) => [`${name}_ENABLED`, 'false']))
      const served = await serveSample(framework, env)
      try {
        await useEveryRoute(new Client(served.url), off)
      } finally {
        await served.close()
      }
    },
  )
})

async function useEveryRoute(client: Client, off: readonly string[]): Promise<void> {
  const ada = await signUp(client)
  expect(ada.mail).toBe(off.includes('EMAIL') ? 'skipped' : off.includes('TASKS') ? 'sent' : 'queued')
  const created = await ada.client.ask('POST', '/posts', { title: 'One', body: 'Text' })
  expect(created.status).toBe(201)
  const path = `/posts/${created.json.id}`
  expect((await ada.client.ask('PUT', path, { title: 'Two', body: 'Text' })).status).toBe(200)
  expect((await client.get(path)).json.title).toBe('Two')
  expect((await client.get(`/members/${ada.id}/feed`)).status).toBe(200)
  expect((await ada.client.get('/search?q=two')).status).toBe(200)
  expect((await ada.client.get('/members/me')).json.id).toBe(ada.id)
  const started = await ada.client.ask('POST', '/exports')
  expect(started.status).toBe(202)
  const { json } = await ada.client.get(`/exports/${started.json.id}`)
  if (off.includes('TASKS')) expect(json.status).toBe('disabled')
  expect((await ada.client.ask('DELETE', path)).status).toBe(204)
  const { components } = (await client.get('/status')).json
  const disabled = Object.values(components as Record<string, { name: string; state: string }>).filter(
    ({ state }) => state === 'disabled',
  )
  expect(disabled).toHaveLength(off.filter(Boolean).length)
}
