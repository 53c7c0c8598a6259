import { leakCheck } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { type FaultBed, redisBed } from './fault-bed.js'
import { outageFaults } from './outage-faults.js'
import { stormFaults } from './storm-faults.js'

leakCheck()

let bed: FaultBed
beforeAll(async () => {
  bed = await redisBed()
})
afterAll(() => bed.server.close())

describe('faults of Redis itself', () => {
  outageFaults(() => bed, redisBed)
  stormFaults(() => bed)
})
