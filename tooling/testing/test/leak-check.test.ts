import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { childProcesses, freshRedis, leakCheck } from '../src/index.js'

leakCheck()

test('a running child is seen until it has ended, and the watchdog is not', async () => {
  const redis = await freshRedis()
  const child = spawn('sleep', ['60'])
  expect(childProcesses().sort()).toEqual([redis.pid, child.pid].sort())
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  expect(childProcesses()).toEqual([redis.pid])
})
