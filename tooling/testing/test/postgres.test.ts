import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { leakCheck, startPostgres } from '../src/index.js'

leakCheck()

test('a PostgreSQL server takes connections, and is gone after it is closed', async () => {
  const postgres = await startPostgres()
  const socket = connect(postgres.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  const { pid } = postgres
  await postgres.close()
  expect(existsSync(`/proc/${pid}`)).toBe(false)
  const refused = connect(postgres.port, '127.0.0.1')
  const [error] = await once(refused, 'error')
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})
