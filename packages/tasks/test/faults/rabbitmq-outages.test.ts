import { leakCheck } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { type FaultBed, rabbitmqBed } from './fault-bed.js'
import { outageFaults } from './outage-faults.js'
import { stormFaults } from './storm-faults.js'

leakCheck()

let bed: FaultBed
beforeAll(async () => {
  bed = await rabbitmqBed()
})
afterAll(() => bed.server.close())

describe('faults of RabbitMQ itself', () => {
  outageFaults(
    () => bed,
    () => rabbitmqBed(),
  )
  stormFaults(() => bed)
})
