import { leakCheck } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
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

describe('faults around Redis', () => {
  semanticFaults(() => bed)
  crashFaults(() => bed)
  outageFaults(() => bed)
  stormFaults(() => bed)
})
