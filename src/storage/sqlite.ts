import { chmodSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'

/** How many prepared statements are kept; a group commit of each size has its own. */
const statementsKept = 500

/**
 * SQLite through node:sqlite: WAL, and `synchronous=FULL`, so that a commit is on the disk before it returns.
 * Another process (the shell side) may hold the write lock for a moment; we wait up to two seconds for it.
 */
export function sqliteDialect(path: string): Dialect {
  const connection = new DatabaseSync(path, { timeout: 2000, enableForeignKeyConstraints: true })
  // A checkpoint writes each changed page once, however often it was committed: the fewer, the less is written.
  connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 8000')
  // What is deleted is overwritten: a piece that was erased must not be readable in the file.
  connection.exec('pragma secure_delete = on')
  // Lists jump about in the file: what they touch should be in memory. In KiB.
  connection.exec('pragma cache_size = -65536')
  if (path !== ':memory:') chmodSync(path, 0o600)
  return new NodeSqliteDialect({ database: asKyselyKnowsIt(connection) })
}

class NodeSqliteDialect extends SqliteDialect {
  readonly #config: { database: SqliteDatabase }

  constructor(config: { database: SqliteDatabase }) {
    super(config)
    this.#config = config
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#config)
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

/** Takes the write lock when a transaction begins: taken later, it could fail half-way with no wait. */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

/** SQLite's schema changes are transactional, so the migrations of two processes exclude each other. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function asKyselyKnowsIt(connection: DatabaseSync): SqliteDatabase {
  const prepare = rememberingStatements((sql) => prepared(connection, sql))
  return {
    close: () => connection.close(),
    prepare(sql) {
      const statement = prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (values) => statement.all(...bindable(values)),
        run: (values) => statement.run(...bindable(values)),
        iterate: (values) => statement.iterate(...bindable(values)),
      }
    },
  }
}

function prepared(connection: DatabaseSync, sql: string): StatementSync {
  const statement = connection.prepare(sql)
  // What gives no rows tells the last rowid all the same, also of the search index's own tables: those are beyond 2^53.
  if (statement.columns().length === 0) statement.setReadBigInts(true)
  return statement
}

function bindable(values: readonly unknown[]): SQLInputValue[] {
  return values as SQLInputValue[]
}

function rememberingStatements(prepare: (sql: string) => StatementSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>()
  return (sql) => {
    const known = statements.get(sql)
    if (known) return known
    const oldest = statements.keys().next()
    if (statements.size >= statementsKept && !oldest.done) statements.delete(oldest.value)
    const statement = prepare(sql)
    statements.set(sql, statement)
    return statement
  }
}
