// npm start: installs and builds what is missing, then serves the sample app on embedded defaults.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { checkNode, installDependencies } from './install.mjs'
import { root } from './root.mjs'
import { say, stop } from './say.mjs'

const main = join(root, 'apps', 'sample', 'dist', 'main.fastify.js')

checkNode()
await installDependencies()
say('building what has changed')
const { code, output } = await build(['./apps/sample...'])
if (code !== 0) stop(`the build failed:\n${output.trim()}`)
if (!existsSync(main)) stop('the build made no apps/sample/dist/main.fastify.js')

say('starting the sample app; Ctrl-C stops it')
ignoreRepeatedSignals()
process.argv[1] = main
await import(pathToFileURL(main).href)

/**
 * One Ctrl-C reaches this process twice: from the terminal, and from npm, which passes on what it gets itself. The app
 * would take the second for an order to stop at once.
 */
function ignoreRepeatedSignals() {
  const emit = process.emit
  let last = Number.NEGATIVE_INFINITY
  process.emit = function emitOnce(event, ...args) {
    if (event === 'SIGINT' || event === 'SIGTERM') {
      const now = performance.now()
      if (now - last < 1_000) return true
      last = now
    }
    return emit.call(this, event, ...args)
  }
}
