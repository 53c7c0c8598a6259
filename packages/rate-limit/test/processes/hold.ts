import { createRateLimiter } from '../../src/index.js'
import { openedBackend } from '../opened-backend.js'

/** Takes slots of `export` until there are none, and keeps them until it is killed. Tells how many it has. */
const [kind = '', address = '', prefix = '', limit = ''] = process.argv.slice(2)
const { backend } = await openedBackend(kind, address, prefix)
const limiter = createRateLimiter({ backend, policies: { export: { limits: [limit] } }, deadline: '5s' })

let held = 0
while ((await limiter.check('export', 'tenant:1')).allowed) held += 1
console.log(JSON.stringify({ held }))
setInterval(() => {}, 60_000)
