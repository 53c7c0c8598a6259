import { PGlite } from '@electric-sql/pglite'
import type { Database, Queries, Row } from './database.js'

/** Opens a PostgreSQL inside this process, in memory: gone with it, and nothing to install. */
export async function openEmbedded(): Promise<Database> {
  const postgres = await PGlite.create()
  const queriesOf = (runner: Pick<PGlite, 'query'>): Queries => ({
    query: async <Result extends Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await runner.query<Result>(sql, [...parameters])).rows,
  })
  let closing: Promise<void> | undefined
  return {
    kind: 'pglite',
    ...queriesOf(postgres),
    transaction: (work) => postgres.transaction((transaction) => work(queriesOf(transaction as unknown as PGlite))),
    close: () => {
      closing ??= postgres.close()
      return closing
    },
  }
}
