import pg from 'pg'
import type { Database, Queries, Row } from './database.js'

/** Opens a pool to a PostgreSQL server. */
export function openPostgres(url: string): Database {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 3000 })
  pool.on('error', () => {}) // an idle connection that died is replaced by the next query
  const queriesOf = (runner: pg.Pool | pg.PoolClient): Queries => ({
    query: async <Result extends Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await runner.query(sql, [...parameters])).rows as Result[],
  })
  let closing: Promise<void> | undefined
  return {
    kind: 'postgres',
    ...queriesOf(pool),
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work(queriesOf(client))
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
    close: () => {
      closing ??= pool.end()
      return closing
    },
  }
}
