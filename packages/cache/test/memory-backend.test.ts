import { memoryBackend } from '@plinth/cache'
import { cacheBackendChecks } from '@plinth/cache/conformance'
import { registerChecks } from '@plinth/testing'
import { describe } from 'vitest'

describe('the memory backend', () => {
  registerChecks(cacheBackendChecks, () => {
    let now = 1_000
    const clock = { now: () => Date.now(), elapsed: () => now }
    const backend = memoryBackend({ clock })
    const elapse = async (ms: number): Promise<void> => {
      now += ms
    }
    return { backend, other: backend, namespace: 'test', elapse }
  })
})
