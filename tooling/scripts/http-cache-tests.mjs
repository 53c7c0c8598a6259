// Runs the public HTTP cache suite (npm http-cache-tests) against both adapters: a cached route whose handler asks the suite's own
// origin. Prints what fails, and with --write puts the table into docs/http-cache-tests.md.
// The suite is fetched when it is run: as a dependency it would bring an old npm with it.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createCache, memoryBackend } from '@plinth/cache'
import { cached, plinth } from '@plinth/express'
import { plinthPlugin } from '@plinth/fastify'
import express from 'express'
import fastify from 'fastify'
import { root } from './root.mjs'
import { say } from './say.mjs'

const VERSION = '0.4.5'
const PEERS = { nginx: 'nginx', varnish: 'Varnish', squid: 'Squid', apache: 'Apache' }

const COOKIES =
  'does not apply: an answer that sets a cookie is never stored, by promise (nginx and Varnish do not store it either)'
const NO_PARTS = 'does not apply: the cache takes whole answers of a handler, which it cuts to ranges itself'
const BROKEN_LENGTH =
  'does not apply: the origin announces a length that its body does not have, which no answer of a handler can'
const CLOSES =
  'does not apply: the origin hangs up, so the 502 that follows lacks the field by which the suite tells a new answer; nobody passes'

/** Why a case is not passed. */
const REASONS = {
  'headers-store-Set-Cookie': COOKIES,
  '304-etag-update-response-Set-Cookie': COOKIES,
  'other-set-cookie': COOKIES,
  'headers-store-Content-Length': BROKEN_LENGTH,
  '304-etag-update-response-Content-Length': BROKEN_LENGTH,
  'stale-close-must-revalidate': CLOSES,
  'stale-close-proxy-revalidate': CLOSES,
  'stale-close-no-cache': CLOSES,
  'stale-close-s-maxage=2': CLOSES,
  'conditional-lm-fresh-no-lm': 'the answer is newer than what the client holds; here it gets the answer',
  'vary-normalise-lang-select': 'the cache does not negotiate languages in place of the handler',
  'method-POST': 'an answer to POST is never given to a GET',
  'partial-store-partial-reuse-partial': NO_PARTS,
  'partial-store-partial-reuse-partial-byterange': NO_PARTS,
  'partial-store-partial-reuse-partial-absent': NO_PARTS,
  'partial-store-partial-reuse-partial-suffix': NO_PARTS,
  'partial-store-partial-complete': NO_PARTS,
}

/** The route that the suite judges. */
const policy = { rules: 'rfc9111', staleIfError: '1m', client: false }

const suite = fetchSuite()
const { default: tests } = await import(pathToFileURL(join(suite, 'tests/index.mjs')).href)
const cases = tests.flatMap((group) => group.tests.map((test) => ({ ...test, group: group.name })))
const applicable = cases.filter((test) => test.browser_only !== true)

const origin = await startOrigin()
const results = {}
try {
  for (const [name, serve] of Object.entries({ express: serveExpress, fastify: serveFastify })) {
    const gateway = await serve(`http://127.0.0.1:${origin.port}`)
    say(`running ${applicable.length} cases over ${name}`)
    results[name] = await runSuite(gateway.url, name)
    await gateway.close()
  }
} finally {
  origin.process.kill()
}
report()

function fetchSuite() {
  const folder = join(root, 'node_modules', '.cache', `http-cache-tests-${VERSION}`)
  if (!existsSync(join(folder, 'package'))) {
    mkdirSync(folder, { recursive: true })
    say(`fetching http-cache-tests ${VERSION}`)
    execFileSync('npm', ['pack', `http-cache-tests@${VERSION}`, '--silent'], { cwd: folder })
    execFileSync('tar', ['xzf', `http-cache-tests-${VERSION}.tgz`], { cwd: folder })
  }
  return join(folder, 'package')
}

async function startOrigin() {
  const port = await freePort()
  const env = {
    ...process.env,
    npm_config_port: String(port),
    npm_config_protocol: 'http',
    npm_config_pidfile: '/dev/null',
  }
  const child = spawn(process.execPath, ['server/server.mjs'], { cwd: suite, env, stdio: 'ignore' })
  for (let tries = 0; tries < 100; tries += 1) {
    const up = await ask(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (up) return { port, process: child }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the origin of the suite does not start')
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function serveExpress(originUrl) {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(plinth({ cache: createCache({ backend: memoryBackend() }) }))
  const forward = async (request, response) => {
    const answer = await forwarded(originUrl, request)
    response.statusCode = answer.status
    for (const [name, value] of answer.headers) response.appendHeader(name, value)
    response.end(answer.body)
  }
  app.all('/test/{*rest}', cached(policy), forward)
  app.use(forward)
  app.use((_error, _request, response, _next) => response.status(502).end('bad gateway'))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}

async function serveFastify(originUrl) {
  const app = fastify({ exposeHeadRoutes: false })
  app.register(plinthPlugin, { infra: { cache: createCache({ backend: memoryBackend() }) } })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.addHttpMethod('M-SEARCH')
  const handler = async (request, reply) => {
    const answer = await forwarded(originUrl, request.raw)
    reply.code(answer.status)
    const lists = new Map()
    for (const [name, value] of answer.headers) {
      lists.set(name.toLowerCase(), [...(lists.get(name.toLowerCase()) ?? []), value])
    }
    for (const [name, values] of lists) reply.header(name, values.length > 1 ? values : values[0])
    return reply.send(answer.body)
  }
  const method = app.supportedMethods.filter((name) => !['CONNECT', 'TRACE'].includes(name))
  app.route({ method, url: '/test/*', config: { plinth: { cache: policy } }, handler })
  app.route({ method, url: '*', handler })
  app.setErrorHandler((_error, _request, reply) => reply.code(502).send('bad gateway'))
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
}

/** What a gateway's handler does: the same request to the origin, and its answer with what belongs to the connection left out. */
async function forwarded(originUrl, request) {
  const { host: _, connection: __, ...headers } = request.headers
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  const body = hasBody ? request : undefined
  const url = originUrl + (request.originalUrl ?? request.url)
  return ask(url, { method: request.method, headers, body })
}

function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { method, headers, agent: false }, (response) => {
      const pieces = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const own = new Set(['transfer-encoding', 'keep-alive'])
        const pairs = []
        for (let at = 0; at < response.rawHeaders.length; at += 2) {
          const [name, value] = response.rawHeaders.slice(at, at + 2)
          const isOwn = own.has(name.toLowerCase()) || (name.toLowerCase() === 'connection' && value === 'close')
          if (!isOwn) pairs.push([name, value])
        }
        resolve({ status: response.statusCode, headers: pairs, body: Buffer.concat(pieces) })
      })
    })
    asked.on('error', reject)
    if (body?.pipe) body.pipe(asked)
    else asked.end(body)
  })
}

/** The suite's runner keeps its results in its module: each adapter gets one of its own. */
async function runSuite(base, name) {
  const { runTests, getResults } = await import(`${pathToFileURL(join(suite, 'client/runner.mjs')).href}?${name}`)
  const { testResults } = await import(pathToFileURL(join(suite, 'client/test.mjs')).href)
  for (const id of Object.keys(testResults)) delete testResults[id]
  // The runner puts the dates it meant into the cases themselves.
  await runTests(structuredClone(tests), fetchLike, false, base)
  return { ...getResults() }
}

async function fetchLike(url, { method = 'GET', headers = [], body } = {}) {
  const lines = {}
  for (const [name, value] of headers) lines[name] = lines[name] === undefined ? value : [lines[name], value].flat()
  if (body !== undefined) lines['content-length'] = String(Buffer.byteLength(body))
  const answer = await ask(url, { method, headers: lines, body })
  return {
    status: answer.status,
    headers: new Headers(answer.headers.map(([name, value]) => [name, value.trim()])),
    text: async () => answer.body.toString(),
  }
}

function report() {
  const all = { ...results }
  for (const [file, name] of Object.entries(PEERS)) {
    all[name] = JSON.parse(readFileSync(join(suite, 'results', `${file}.json`), 'utf8'))
  }
  const kinds = ['required', 'optimal', 'check']
  const rows = Object.entries(all).map(([name, outcome]) => [name, ...kinds.map((kind) => tally(outcome, kind))])
  for (const row of rows) console.log(row.join('\t'))
  for (const name of Object.keys(results)) {
    for (const test of applicable) {
      const outcome = results[name][test.id]
      const kind = test.kind ?? 'required'
      if (outcome !== true && kind !== 'check') console.log(`${name}\t${kind}\t${test.id}\t${outcome}`)
    }
  }
  if (process.argv.includes('--write')) writeFileSync(join(root, 'docs', 'http-cache-tests.md'), page(rows))
}

function tally(outcome, kind) {
  const those = applicable.filter((test) => (test.kind ?? 'required') === kind)
  return `${those.filter((test) => outcome[test.id] === true).length}/${those.length}`
}

function page(rows) {
  const head = ['', 'required', 'optional', 'observed behaviour']
  const table = [head, head.map((_, at) => (at === 0 ? '---' : '--:')), ...rows]
  const lines = table.map((row) => `| ${row.join(' | ')} |`).join('\n')
  const missed = applicable
    .filter((test) => test.kind !== 'check' && Object.keys(results).some((name) => results[name][test.id] !== true))
    .map((test) => {
      const failing = Object.keys(results).filter((name) => results[name][test.id] !== true)
      const reason = REASONS[test.id] ?? String(results[failing[0]][test.id] ?? 'not run').replaceAll('|', '/')
      return `| \`${test.id}\` | ${test.kind ?? 'required'} | ${failing.join(', ')} | ${reason} |`
    })
  return `# The public HTTP cache suite

[http-cache-tests](https://github.com/http-tests/cache-tests) ${VERSION}, run by \`pnpm http-cache-tests --write\` against a route with
\`rules: 'rfc9111'\` whose handler asks the suite's own origin; beside it, what the suite publishes of four reverse proxies. The ${cases.length - applicable.length} cases
for browsers are left out. "Observed behaviour" are the suite's questions that have no wrong answer.

${lines}

## What is not passed

| case | kind | over | why |
| --- | --- | --- | --- |
${missed.join('\n')}
`
}
