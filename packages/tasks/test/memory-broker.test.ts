import { registerChecks } from '@plinth/testing'
import { describe } from 'vitest'
import { taskBrokerChecks } from '../src/conformance/index.js'
import { type MemoryBroker, memoryBroker } from '../src/index.js'

describe('the memory broker', () => {
  registerChecks(taskBrokerChecks, () => {
    const place = memoryBroker()
    return {
      broker: () => place.fork(),
      crash: async (broker) => (broker as MemoryBroker).crash(),
    }
  })
})
