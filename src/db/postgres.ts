import { type Dialect, PostgresDialect } from 'kysely'
import pg from 'pg'

const int8 = 20

/** A statement that takes longer is broken off by the server. Milliseconds. */
const statementTimeout = 15_000

/** A server that says nothing for so long is given up. Milliseconds. */
const answerTimeout = 20_000

/**
 * PostgreSQL, for a newsroom with several machines. Times come back as numbers, as SQLite gives them. Nothing waits for a
 * server that hangs, but for what is patient: a migration.
 */
export function postgresDialect(url: string, isPatient = false): Dialect {
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  }
  const limits = isPatient
    ? {}
    : {
        statement_timeout: statementTimeout,
        lock_timeout: statementTimeout,
        idle_in_transaction_session_timeout: 2 * answerTimeout,
        query_timeout: answerTimeout,
      }
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: isPatient ? 1 : 10,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    ...limits,
  })
  // A server that goes away breaks idle connections; the pool replaces them, and queries fail by themselves.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new PostgresDialect({ pool })
}
