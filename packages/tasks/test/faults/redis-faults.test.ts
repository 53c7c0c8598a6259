import { leakCheck } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { connectionFaults } from './connection-faults.js'
import { crashFaults } from './crash-faults.js'
import { type FaultBed, redisBed } from './fault-bed.js'
import { outageFaults } from './outage-faults.js'
import { semanticFaults } from './semantic-faults.js'
import { stormFaults } from './storm-faults.js'

leakCheck()

let bed: FaultBed
beforeAll(async () => {
  bed = await redisBed()
})
afterAll(() => bed.server.close())

// Most of a fault is waiting for what follows it: those that leave the server in peace go side by side.
describe.concurrent('faults around Redis', () => {
  semanticFaults(() => bed)
  crashFaults(() => bed)
  connectionFaults(() => bed)
})

describe('faults of Redis itself', () => {
  outageFaults(() => bed)
  stormFaults(() => bed)
})
