import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** Here waiting holds up nobody. In milliseconds. */
const lockTimeout = 2000

/** From so many pages on the log is begun anew, for which writers wait a moment: else it might grow for ever. */
const longestLog = 40_000

// The thread that the log is written back in: it takes a tenth of a second and more, and the main thread has requests
// to answer.
const database = new DatabaseSync(workerData as string, { timeout: lockTimeout })
const passive = database.prepare('pragma wal_checkpoint(passive)')
const restart = database.prepare('pragma wal_checkpoint(restart)')

parentPort?.on('message', () => {
  try {
    const { log } = passive.get() as { log: number }
    if (log > longestLog) restart.get()
  } catch {
    // As on a full disk: the log keeps everything, and it is tried again.
  } finally {
    parentPort?.postMessage('done')
  }
})
