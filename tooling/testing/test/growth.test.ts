import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { growthOver } from '../src/index.js'

const SOON = { settleMs: 200 }

test('what every cycle takes back leaves nothing, also when it takes a moment', async () => {
  const growth = await growthOver(10, async () => {
    setTimeout(() => {}, 100).unref()
    const listener = (): void => {}
    process.on('warning', listener)
    process.off('warning', listener)
  })
  expect(growth).toMatchObject({ handles: {}, timers: [], listeners: 0 })
})

test('timers, listeners and sockets that nobody takes back are found, and so is where a timer was made', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const undo: (() => void)[] = [() => server.close()]
  onTestFinished(() => {
    for (const each of undo) each()
  })
  const growth = await growthOver(
    6,
    async () => {
      const timer = setTimeout(() => {}, 60_000).unref()
      const listener = (): void => {}
      process.on('warning', listener)
      const socket = await new Promise<Socket>((resolve) => {
        const made = connect({ host: '127.0.0.1', port }, () => resolve(made))
      })
      undo.push(
        () => clearTimeout(timer),
        () => process.off('warning', listener),
        () => socket.destroy(),
      )
    },
    SOON,
  )
  expect(growth.timers).toHaveLength(6)
  expect(growth.timers[0]).toContain('growth.test.ts')
  expect(growth.listeners).toBe(3)
  expect(Object.values(growth.handles).some((count) => count >= 3)).toBe(true)
})
