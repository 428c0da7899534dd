import { Worker } from 'node:worker_threads'

/** A checkpoint writes each changed page once, however often it was committed: the fewer there are, the less is written. */
const pagesAtOnce = 8000

/** Where it cannot be done just now, as on a full disk, it is not tried at every commit. In milliseconds. */
const shortestWait = 500

/** What was written is not left in the log for longer, as long as more is written. In milliseconds. */
const longestWait = 5000

/** Where the thread cannot, or not fast enough, it is done at the next commit instead, which then holds up everything. */
export const pagesAtMost = 16 * pagesAtOnce

/**
 * Writes SQLite's log back into the database in a thread of its own, on a connection of its own, while everything else goes
 * on. https://www.sqlite.org/wal.html#ckpt
 */
export class Checkpoints {
  readonly #path: string
  #worker: Worker | undefined
  #isAtWork = false
  #lastAt = performance.now()

  constructor(path: string) {
    this.#path = path
  }

  /** Has it done if it is time, when so many pages of the log are not in the database yet. */
  consider(pages: number): void {
    if (this.#isAtWork || pages === 0) return
    const wait = pages >= pagesAtOnce ? shortestWait : longestWait
    if (performance.now() - this.#lastAt < wait) return
    this.#isAtWork = true
    this.#lastAt = performance.now()
    this.#worker ??= this.#begun()
    this.#worker.postMessage('now')
  }

  /** Resolves when nothing of it is left that has the database open. */
  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #begun(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: this.#path,
      // It has no business with the environment, for secrets are in it.
      env: {},
    })
    worker.unref()
    worker.on('message', () => {
      this.#isAtWork = false
    })
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      this.#isAtWork = false
      this.#worker = undefined
    })
    return worker
  }
}
