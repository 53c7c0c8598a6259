import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { closeWithFile, freePort, leakCheck } from '../src/index.js'

leakCheck()

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('npm start serves the sample app on embedded defaults, and one Ctrl-C ends it with exit code 0', async () => {
  const port = await freePort()
  const { PATH, HOME } = process.env
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env: { PATH, HOME, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closeWithFile(() => npm.kill('SIGTERM'))
  const ended = new Promise((resolve) => npm.once('close', resolve))
  const output = await outputUntil(npm.stdout, `:${port}`)
  expect(output).toContain('plinth: starting the sample app')
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<html')
  npm.kill('SIGINT')
  expect(await ended).toBe(0)
  await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow()
}, 180_000)

/** Everything written until `text` comes; what was written when it ends without. */
function outputUntil(stream: NodeJS.ReadableStream, text: string): Promise<string> {
  return new Promise((resolve) => {
    let output = ''
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes(text)) resolve(output)
    })
    stream.once('end', () => resolve(output))
  })
}
