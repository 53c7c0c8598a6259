import { writeFileSync } from 'node:fs'
import { test } from 'vitest'
import { freshRedis, redisCommand, sharedRedis, spawnTypescript } from '../../src/index.js'

test('never ends', async () => {
  const own = await freshRedis()
  const shared = new URL(await sharedRedis())
  const info = await redisCommand({ host: shared.hostname, port: Number(shared.port) }, 'INFO', 'server')
  const sharedPid = Number(/process_id:(\d+)/.exec(String(info))?.[1])
  const child = spawnTypescript(new URL('../children/echo.ts', import.meta.url))
  await child.receive()
  writeFileSync(process.env.PIDS_FILE ?? '', JSON.stringify([process.pid, own.pid, sharedPid, child.pid]))
  await new Promise(() => {})
})
