// What each card does: one request, and what its headers said. Text from the service is only ever put in as text.
const $ = (id) => document.getElementById(id)
const session = { key: undefined, member: undefined, postId: 1, exportId: undefined }

async function ask(method, path, body) {
  const began = performance.now()
  const response = await fetch(path, {
    method,
    cache: 'no-store',
    headers: {
      ...(session.key && { authorization: `Bearer ${session.key}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : undefined
  return { response, json, text, ms: performance.now() - began }
}

function say(id, text, tone = '') {
  $(id).textContent = text
  $(id).className = `result ${tone}`
}

/** Runs a button's work once at a time, and says what went wrong. */
function onClick(id, output, work) {
  $(id).addEventListener('click', async () => {
    $(id).disabled = true
    try {
      await work()
    } catch (error) {
      say(output, `That did not work: ${error.message}`, 'bad')
    } finally {
      $(id).disabled = false
    }
  })
}

$('join').addEventListener('submit', async (event) => {
  event.preventDefault()
  const form = new FormData(event.target)
  const name = String(form.get('name')).trim()
  const email = `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-') || 'member'}-${Date.now().toString(36)}@example.com`
  const { response, json } = await ask('POST', '/members', { name, email, tier: form.get('tier') })
  if (!response.ok) return say('member', json?.detail ?? `Refused with ${response.status}.`, 'bad')
  session.key = json.apiKey
  session.member = json.member
  const post = await ask('POST', '/posts', { title: `${name}'s first post`, body: 'Written while signing up.' })
  if (post.response.ok) session.postId = post.json.id
  say(
    'member',
    `${json.member.name} is a ${json.member.tier} member, number ${json.member.id}. The key is kept in this page only.`,
    'good',
  )
  const mail = {
    queued: 'The welcome mail was queued and goes out in the background.',
    sent: 'The welcome mail was sent.',
  }
  say(
    'mail',
    mail[json.mail] ?? `The welcome mail was ${json.mail}: email is off.`,
    json.mail === 'skipped' ? 'warn' : 'good',
  )
  $('change').disabled = $('export').disabled = false
  say('export-state', 'Ready.')
})

onClick('read', 'post', async () => {
  const { response, json, ms } = await ask('GET', `/posts/${session.postId}`)
  $('post').textContent = response.ok
    ? `${json.title}: ${json.body}`
    : (json?.detail ?? `Refused with ${response.status}.`)
  const status = response.headers.get('cache-status') ?? 'none: the cache is off'
  $('cache-status').textContent = `Cache-Status: ${status}`
  const hit = /;\s*hit\b/.test(status)
  $('outcome').textContent = hit ? 'hit' : /none/.test(status) ? 'no cache' : 'computed'
  $('outcome').className = hit ? 'good' : 'warn'
  $('age').textContent = response.headers.has('age') ? `${response.headers.get('age')} s` : '–'
  $('took').textContent = `${ms.toFixed(1)} ms`
})

onClick('change', 'post', async () => {
  const title = `Changed at ${new Date().toLocaleTimeString()}`
  const { response, json } = await ask('PUT', `/posts/${session.postId}`, { title, body: 'The cached answer is gone.' })
  $('post').textContent = response.ok
    ? 'Changed. Read it again: the next read computes.'
    : (json?.detail ?? `Refused with ${response.status}.`)
})

let countdown
async function search() {
  const { response, json } = await ask('GET', '/search?q=column')
  const header = response.headers.get('ratelimit')
  const limit = Number(/;q=(\d+)/.exec(response.headers.get('ratelimit-policy') ?? '')?.[1] ?? 0)
  const left = Number(/;r=(\d+)/.exec(header ?? '')?.[1] ?? limit)
  $('rate-limit').textContent = header ? `RateLimit: ${header}` : 'RateLimit: none: limits are off'
  if (limit > 0) Object.assign($('meter'), { max: limit, low: limit / 3, high: limit / 2, optimum: limit, value: left })
  clearInterval(countdown)
  if (response.ok)
    return say(
      'limit',
      `${json.posts.length} found. ${limit === 0 ? 'Nothing is limited.' : `${left} of ${limit} left.`}`,
      left === 0 && limit > 0 ? 'warn' : 'good',
    )
  if (response.status !== 429) return say('limit', json?.detail ?? `Refused with ${response.status}.`, 'bad')
  let seconds = Number(response.headers.get('retry-after') ?? 1)
  const tick = () =>
    say(
      'limit',
      seconds > 0 ? `429 Too Many Requests. Retry-After: ${seconds} s` : 'The limit admits again.',
      seconds > 0 ? 'bad' : 'good',
    )
  tick()
  countdown = setInterval(() => {
    seconds--
    tick()
    if (seconds <= 0) clearInterval(countdown)
  }, 1000)
}
onClick('search', 'limit', search)
onClick('search-many', 'limit', async () => {
  for (let i = 0; i < 6; i++) await search()
})

onClick('export', 'export-state', async () => {
  $('download').hidden = true
  $('progress').value = 0
  const started = await ask('POST', '/exports')
  if (!started.response.ok)
    return say(
      'export-state',
      started.json?.detail ?? started.json?.title ?? `Refused with ${started.response.status}.`,
      'bad',
    )
  if (started.json.status === 'disabled') return say('export-state', 'Tasks are off: nothing was started.', 'warn')
  session.exportId = started.json.id
  for (;;) {
    const { json } = await ask('GET', `/exports/${session.exportId}`)
    const { status, progress } = json
    if (progress) $('progress').value = progress.done / progress.total
    say(
      'export-state',
      progress && status !== 'completed' ? `${status}: ${progress.done} of ${progress.total} posts` : status,
      status === 'completed' ? 'good' : status === 'dead' ? 'bad' : '',
    )
    if (!['waiting', 'delayed', 'running'].includes(status)) break
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  $('download').hidden = false
})

onClick('download', 'export-state', async () => {
  const { response, text } = await ask('GET', `/exports/${session.exportId}/posts.csv`)
  if (!response.ok) return say('export-state', 'The file is not there.', 'bad')
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  link.download = 'posts.csv'
  link.click()
  URL.revokeObjectURL(link.href)
})

async function showComponents() {
  const { json } = await ask('GET', '/status')
  const tones = { healthy: 'good', degraded: 'warn', failed: 'bad' }
  $('components').replaceChildren(
    ...Object.values(json.components).map(({ name, state, reason, backend, target, required }) => {
      const row = document.createElement('tr')
      for (const [i, text] of [
        name,
        reason ? `${state} (${reason})` : state,
        backend ?? '–',
        target ?? (state === 'disabled' ? '–' : 'in process'),
        required ? 'yes' : 'no',
      ].entries()) {
        const cell = document.createElement('td')
        cell.textContent = text
        if (i === 1) cell.className = tones[state] ?? ''
        row.append(cell)
      }
      return row
    }),
  )
  $('mailbox').hidden = json.mail.transport !== 'outbox' && json.mail.transport !== 'memory'
  if (json.mail.canDeliver) $('mail-hint').textContent = `Mail goes out through ${json.mail.transport}.`
}
showComponents()
setInterval(showComponents, 5000)
