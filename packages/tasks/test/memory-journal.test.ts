import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeWithFile, registerChecks } from '@plinth/testing'
import { describe } from 'vitest'
import { taskBrokerChecks } from '../src/conformance/index.js'
import { type MemoryBroker, memoryBroker } from '../src/index.js'

const directory = mkdtempSync(join(tmpdir(), 'plinth-journal-'))
closeWithFile(() => rmSync(directory, { recursive: true, force: true }))
let files = 0
const freshPath = (): string => join(directory, `journal-${files++}`)

describe('the memory broker with a journal', () => {
  registerChecks(taskBrokerChecks, () => {
    const place = memoryBroker({ journal: freshPath() })
    return {
      broker: () => place.fork(),
      crash: async (broker) => (broker as MemoryBroker).crash(),
    }
  })
})
