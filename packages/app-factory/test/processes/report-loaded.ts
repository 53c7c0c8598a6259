// Creates an infra from its environment, uses nothing, closes nothing, and reports which heavy clients were loaded by then.
// That the process ends by itself is part of what its test checks.
import { createRequire, register } from 'node:module'
import { MessageChannel } from 'node:worker_threads'

const HEAVY = ['ioredis', 'memjs', 'bullmq', 'amqplib', 'postmark', 'nodemailer']
const { port1, port2 } = new MessageChannel()
const resolved = new Set<string>()
port1.on('message', (url: string) => resolved.add(url))
port1.unref()
const hook = `
  let port
  export function initialize(data) { port = data.port }
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    port.postMessage(found.url)
    return found
  }`
register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: { port: port2 }, transferList: [port2] })

const { createInfra } = await import('@plinth/app-factory')
if (process.env.CREATE !== 'no') {
  const infra = await createInfra({ env: process.env, logger: { debug() {}, info() {}, warn() {}, error() {} } })
  await infra.cache.set('key', 'value')
  await infra.rateLimiter.check('default', 'user:1')
}
await new Promise((resolve) => setTimeout(resolve, 50)) // the hook runs in a thread of its own and tells a little later
const files = [...resolved, ...Object.keys(createRequire(import.meta.url).cache)]
const loaded = HEAVY.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)))
const plinth = files.filter((file) => file.includes('/packages/')).map((file) => file.replace(/.*\/packages\//, ''))
process.stdout.write(`${JSON.stringify({ loaded, plinth })}\n`)
