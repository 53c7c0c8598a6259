import type { Closable } from '@plinth/core'

/** One row, by column name. */
export type Row = Readonly<Record<string, unknown>>

/** Sends SQL; `$1` stands for the first parameter. */
export interface Queries {
  query<Result extends Row>(sql: string, parameters?: readonly unknown[]): Promise<readonly Result[]>
}

/** A PostgreSQL database: the embedded one, or a server. */
export interface Database extends Queries, Closable {
  /** `pglite` or `postgres`. */
  readonly kind: string
  /** Runs `work` in one transaction: all of it, or nothing. */
  transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>
}
