import { StatementSync } from 'node:sqlite'

declare module 'node:sqlite' {
  interface StatementSync {
    /** https://www.sqlite.org/c3ref/c_stmtstatus_counter.html */
    stat(counter: 'vmStep' | 'fullscanStep' | 'sort'): number
    resetStats(): void
  }
}

/** A statement that SQLite was given, how many rows it gave or changed, and how many steps of SQLite's machine that took. */
export type Executed = { sql: string; rows: number; steps: number }

const { all, run } = StatementSync.prototype

/** Writes down what this process has SQLite execute while it does something. */
export async function executedBy(work: () => Promise<unknown>): Promise<Executed[]> {
  const executed: Executed[] = []
  const note = (statement: StatementSync, rows: number) => {
    executed.push({ sql: statement.sourceSQL, rows, steps: statement.stat('vmStep') })
  }
  StatementSync.prototype.all = function (this: StatementSync, ...values: unknown[]) {
    this.resetStats()
    const rows = Reflect.apply(all, this, values) as ReturnType<typeof all>
    note(this, rows.length)
    return rows
  }
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    this.resetStats()
    const done = Reflect.apply(run, this, values) as ReturnType<typeof run>
    note(this, Number(done.changes))
    return done
  }
  try {
    await work()
  } finally {
    Object.assign(StatementSync.prototype, { all, run })
  }
  return executed
}
