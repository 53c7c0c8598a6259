import { createRateLimiter, memoryBackend } from '../src/index.js'

/** Keys nobody has seen, while somebody who used all he had asks again and again. */
const KEYS = process.env.PLINTH_BENCH_QUICK === '1' ? 20_000 : 1_000_000
/** States that memory is bounded to unless told otherwise, and the megabytes that they and all that was forgotten may take. */
const [MOST_STATES, MOST_MEGABYTES] = [100_000, 100]

function usedMegabytes(): number {
  global.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

async function withstand(algorithm: string): Promise<boolean> {
  const before = usedMegabytes()
  const backend = memoryBackend()
  const limiter = createRateLimiter({ backend, policies: { api: { limits: [`5/1h ${algorithm}`] } } })
  await limiter.check('api', 'the victim', { cost: 5 })
  let [won, most] = [0, 0]
  for (let i = 1; i <= KEYS; i += 1) {
    await limiter.check('api', `key ${i}`)
    if (i % (KEYS / 100) !== 0) continue
    if ((await limiter.check('api', 'the victim')).allowed) won += 1
    most = Math.max(most, backend.size)
  }
  const megabytes = Math.max(0, usedMegabytes() - before)
  const isMet = won === 0 && most <= MOST_STATES && megabytes <= MOST_MEGABYTES
  const cells = [most.toLocaleString('en-US').padStart(11), megabytes.toFixed(0).padStart(12), String(won).padStart(12)]
  console.log(algorithm.padEnd(10), ...cells, isMet ? '  met' : '  NOT MET')
  return isMet
}

console.log(
  `memory under ${KEYS.toLocaleString('en-US')} distinct keys; target: at most 100,000 states, ${MOST_MEGABYTES} MB, none won back`,
)
console.log('algorithm  states kept  megabytes   won back of 100 tries')
let isWithstood = true
for (const algorithm of ['sliding', 'fixed', 'gcra', 'strict'])
  isWithstood = (await withstand(algorithm)) && isWithstood
process.exit(isWithstood ? 0 : 1)
