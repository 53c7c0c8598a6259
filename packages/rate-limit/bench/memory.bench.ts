import { compare } from '@plinth/bench'
import { createRateLimiter, memoryBackend } from '../src/index.js'
import { chargeKeys, chargeOneKey, isAllowed } from './load.js'
import { flexibleMemory } from './peers.js'

const chargeInTurn = chargeKeys(1)

const limiter = createRateLimiter({
  backend: memoryBackend(),
  policies: { wide: { limits: ['1000000000/1h'] }, narrow: { limits: ['5/1h'] } },
  tiers: { free: {} },
})

const wide = { quota: 1_000_000_000, seconds: 3600 }
const narrow = { quota: 5, seconds: 3600 }

await compare({
  name: 'rate-limit: memory, admitted, 1000 keys',
  ours: { run: (ops) => chargeInTurn((key) => limiter.check('wide', key).then(isAllowed), ops) },
  peers: {
    'rate-limiter-flexible': () => {
      const { charge } = flexibleMemory(wide)
      return { run: (ops) => chargeInTurn(charge, ops) }
    },
  },
  ops: 200_000,
  target: 1,
})

await compare({
  name: 'rate-limit: memory, denied, 1 key',
  ours: { run: (ops) => chargeOneKey((key) => limiter.check('narrow', key).then(isAllowed), ops) },
  peers: {
    'rate-limiter-flexible': () => {
      const { charge } = flexibleMemory(narrow)
      return { run: (ops) => chargeOneKey(charge, ops) }
    },
  },
  ops: 200_000,
  target: 1,
})
