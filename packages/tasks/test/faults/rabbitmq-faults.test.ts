import { leakCheck, type RabbitmqServer } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { connectionFaults } from './connection-faults.js'
import { crashFaults } from './crash-faults.js'
import { type FaultBed, rabbitmqBed } from './fault-bed.js'
import { outageFaults } from './outage-faults.js'
import { semanticFaults } from './semantic-faults.js'
import { stormFaults } from './storm-faults.js'
import { unroutableFaults } from './unroutable-faults.js'

leakCheck()

let bed: FaultBed & { readonly server: RabbitmqServer }
beforeAll(async () => {
  bed = await rabbitmqBed()
})
afterAll(() => bed.server.close())

// Most of a fault is waiting for what follows it: those that leave the server in peace go side by side.
describe.concurrent('faults around RabbitMQ', () => {
  semanticFaults(() => bed)
  unroutableFaults(() => bed)
  crashFaults(() => bed)
  connectionFaults(() => bed)
})

describe('faults of RabbitMQ itself', () => {
  outageFaults(() => bed)
  stormFaults(() => bed)
})
