import { registerChecks } from '@plinth/testing'
import { describe } from 'vitest'
import { taskBrokerChecks } from '../src/conformance/index.js'
import { type MemoryBroker, memoryBroker } from '../src/index.js'
import { freshPath } from './journal-files.js'

describe('the memory broker with a journal', () => {
  registerChecks(taskBrokerChecks, () => {
    const place = memoryBroker({ journal: freshPath() })
    return {
      broker: () => place.fork(),
      crash: async (broker) => (broker as MemoryBroker).crash(),
    }
  })
})
