import { leakCheck, type RabbitmqServer } from '@plinth/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { connectionFaults } from './connection-faults.js'
import { crashFaults } from './crash-faults.js'
import { type FaultBed, rabbitmqBed } from './fault-bed.js'
import { refusalFaults } from './refusal-faults.js'
import { semanticFaults } from './semantic-faults.js'
import { wallClockFaults } from './wall-clock-faults.js'

leakCheck()

let bed: FaultBed & { readonly server: RabbitmqServer }
beforeAll(async () => {
  bed = await rabbitmqBed({ lasting: true })
})
afterAll(() => bed.server.close())

// Most of a fault is waiting for what follows it; the server is left in peace, so they go side by side.
describe.concurrent('faults around RabbitMQ', () => {
  semanticFaults(() => bed)
  refusalFaults(() => bed)
  crashFaults(() => bed)
  connectionFaults(() => bed)
  wallClockFaults(() => bed)
})
