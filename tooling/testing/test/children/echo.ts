import { createInterface } from 'node:readline'

console.log('not a message')
console.log(
  JSON.stringify({
    ready: true,
    args: process.argv.slice(2),
    conditions: process.execArgv.filter((arg) => arg.startsWith('--conditions')),
  }),
)
createInterface({ input: process.stdin }).on('line', (line) => {
  const message: unknown = JSON.parse(line)
  if (message === 'exit') process.exit(3)
  console.log(JSON.stringify({ echo: message }))
})
