import { chmodSync, statSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { Checkpoints, pagesAtMost } from './checkpoints.ts'

/** How many prepared statements are kept; a group commit of each size has its own. */
const statementsKept = 500

/** Opening waits for another process that does the same. In milliseconds, without doing anything else. */
const openingTimeout = 5000

/** For so long a write waits while another process holds the lock; then it fails. In milliseconds. */
const lockTimeout = 10_000
const longestPause = 50

/**
 * SQLite through node:sqlite: WAL, and `synchronous=FULL`, so that a commit is on the disk before it returns.
 *
 * Two connections: what is written waits its turn on one of them, and reads go on beside it on the other, as WAL lets them
 * (https://www.sqlite.org/wal.html#concurrency). While another process holds the write lock nothing here is blocked: a
 * write is tried again, and fails after ten seconds.
 */
export function sqliteDialect(path: string): Dialect {
  return {
    createDriver: () => new SqliteDriver(path),
    createAdapter: (): DialectAdapter => new ConcurrentAdapter(),
    createQueryCompiler: (): QueryCompiler => new SqliteQueryCompiler(),
    createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
  }
}

function opened(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: openingTimeout, enableForeignKeyConstraints: true })
  connection.exec('pragma journal_mode = wal; pragma synchronous = full')
  connection.exec(`pragma wal_autocheckpoint = ${pagesAtMost}`)
  // After much was written at once the log beside the database is cut back. In bytes.
  connection.exec('pragma journal_size_limit = 67108864')
  // What is deleted is overwritten: a submission that was erased must not be readable in the file.
  connection.exec('pragma secure_delete = on')
  // Lists jump about in the file: what they touch should be in memory. In KiB.
  connection.exec('pragma cache_size = -65536')
  // From here on nothing waits within SQLite, where it would hold up everything.
  connection.exec('pragma busy_timeout = 0')
  return connection
}

/** Refuses to write, whatever it is asked. https://www.sqlite.org/pragma.html#pragma_query_only */
function onlyReading(connection: DatabaseSync): DatabaseSync {
  connection.exec('pragma query_only = on')
  return connection
}

/** SQLite's schema changes are transactional, so the migrations of two processes exclude each other. */
class ConcurrentAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  /** Turns are taken by the driver, for writes only. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class SqliteDriver implements Driver {
  readonly #path: string
  #writer: Connection | undefined
  #reader: Connection | undefined
  #turn: Promise<void> = Promise.resolve()
  #place: StatementPlace | undefined
  readonly #checkpoints: Checkpoints

  constructor(path: string) {
    this.#path = path
    this.#checkpoints = new Checkpoints(path)
  }

  async init(): Promise<void> {
    this.#writer = new Connection(opened(this.#path))
    this.#reader = new Connection(onlyReading(opened(this.#path)))
    chmodSync(this.#path, 0o600)
    if (this.#path !== ':memory:') this.#place = new StatementPlace(this.#path)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const [writer, reader] = [this.#writer, this.#reader]
    if (!writer || !reader) throw new Error('the database is not open')
    return new SqliteSession(
      writer,
      reader,
      () => this.#nextTurn(),
      () => this.#place?.mustBeThere(),
    )
  }

  /** Takes the write lock when a transaction begins: taken later, it could fail half-way. */
  async beginTransaction(session: DatabaseConnection): Promise<void> {
    await (session as SqliteSession).begin()
  }

  async commitTransaction(session: DatabaseConnection): Promise<void> {
    ;(session as SqliteSession).commit()
  }

  async rollbackTransaction(session: DatabaseConnection): Promise<void> {
    ;(session as SqliteSession).rollback()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#checkpoints.close()
    this.#writer?.close()
    this.#reader?.close()
  }

  /** Resolves when whoever writes has finished; gives what ends this turn. */
  async #nextTurn(): Promise<() => void> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    await before
    return () => {
      this.#checkpoints.consider(this.#writer?.pagesInLog() ?? 0)
      resolve()
    }
  }
}

/** What one asks the database: within a transaction on the connection that writes, otherwise where it fits. */
class SqliteSession implements DatabaseConnection {
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #nextTurn: () => Promise<() => void>
  readonly #mustBeInPlace: () => void
  #endTurn: (() => void) | undefined

  constructor(
    writer: Connection,
    reader: Connection,
    nextTurn: () => Promise<() => void>,
    mustBeInPlace: () => void,
  ) {
    this.#writer = writer
    this.#reader = reader
    this.#nextTurn = nextTurn
    this.#mustBeInPlace = mustBeInPlace
  }

  async begin(): Promise<void> {
    const deadline = performance.now() + lockTimeout
    const endTurn = await this.#nextTurn()
    try {
      await withoutLock(deadline, () => this.#writer.run(CompiledQuery.raw('begin immediate')))
      this.#endTurn = endTurn
    } catch (error) {
      endTurn()
      throw error
    }
  }

  commit(): void {
    this.#mustBeInPlace()
    this.#writer.run(CompiledQuery.raw('commit'))
    this.#end()
  }

  /** After some errors SQLite has rolled back by itself; the error that led here is the one to be told. */
  rollback(): void {
    try {
      if (this.#writer.isInTransaction) this.#writer.run(CompiledQuery.raw('rollback'))
    } finally {
      this.#end()
    }
  }

  #end(): void {
    this.#endTurn?.()
    this.#endTurn = undefined
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#endTurn) return this.#writer.run<R>(query)
    if (isReading(query)) return this.#reader.run<R>(query)
    const deadline = performance.now() + lockTimeout
    const endTurn = await this.#nextTurn()
    try {
      this.#mustBeInPlace()
      return await withoutLock(deadline, () => this.#writer.run<R>(query))
    } finally {
      endTurn()
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }
}

/** True of what changes nothing, and so waits for nobody who writes: also where it was written as SQL by hand. */
function isReading({ query, sql }: CompiledQuery): boolean {
  return SelectQueryNode.is(query) || /^select\b/i.test(sql)
}

/** Tries again while another process holds the lock, and lets everything else go on between two tries. */
async function withoutLock<T>(deadline: number, run: () => T): Promise<T> {
  for (let pause = 2; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return run()
    } catch (error) {
      if (!isLocked(error) || performance.now() >= deadline) throw error
      await sleep(pause)
    }
  }
}

/** https://www.sqlite.org/rescode.html#busy */
function isLocked(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown }
  return typeof errcode === 'number' && (errcode & 0xff) === 5
}

/**
 * Where the database lies. A file that was removed or put in its place while we work would still be written by us, and what
 * we say to be received would be in no file any more.
 */
class StatementPlace {
  readonly #inodes: Map<string, number | undefined>

  constructor(path: string) {
    this.#inodes = new Map([path, `${path}-wal`].map((one) => [one, inodeOf(one)]))
  }

  /** @throws what SQLite throws where a database cannot be opened */
  mustBeThere(): void {
    for (const [path, known] of this.#inodes) {
      const found = inodeOf(path)
      // The log beside the database may have been made since.
      if (known === undefined) this.#inodes.set(path, found)
      else if (found !== known)
        throw Object.assign(new Error('the database is not where it was'), { errcode: cannotOpen })
    }
  }
}

/** https://www.sqlite.org/rescode.html#cantopen */
const cannotOpen = 14

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

const howLongLogIs = CompiledQuery.raw('pragma wal_checkpoint(noop)')

/** A connection with the statements that it has prepared. */
class Connection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction
  }

  run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const statement = this.#prepared(sql)
    const values = parameters as SQLInputValue[]
    if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] }
    const { changes, lastInsertRowid } = statement.run(...values)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  /**
   * Pages in the log that have not been written back into the database; 0 where that cannot be told just now.
   * https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
   */
  pagesInLog(): number {
    try {
      const { rows } = this.run<{ log: number; checkpointed: number }>(howLongLogIs)
      return rows[0] ? rows[0].log - rows[0].checkpointed : 0
    } catch {
      // What was written is written: that this could not be told is no fault of it.
      return 0
    }
  }

  close(): void {
    this.#database.close()
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const oldest = this.#statements.keys().next()
    if (this.#statements.size >= statementsKept && !oldest.done) this.#statements.delete(oldest.value)
    const statement = this.#database.prepare(sql)
    // What gives no rows tells the last rowid all the same, also of the search index's own tables: those are beyond 2^53.
    if (statement.columns().length === 0) statement.setReadBigInts(true)
    this.#statements.set(sql, statement)
    return statement
  }
}
