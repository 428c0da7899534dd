import { type Dialect, PostgresDialect } from 'kysely'
import pg from 'pg'

const int8 = 20

/** PostgreSQL, for a newsroom with several machines. Times come back as numbers, as SQLite gives them. */
export function postgresDialect(url: string): Dialect {
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  }
  const pool = new pg.Pool({ connectionString: url, types, max: 10, connectionTimeoutMillis: 5000 })
  // A server that goes away breaks idle connections; the pool replaces them, and queries fail by themselves.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new PostgresDialect({ pool })
}
