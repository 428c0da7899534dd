/** What came of one item: a value, or the error that befell it alone. */
export type Settled<T> = T | { error: unknown }

type GroupCommit<Item, Result> = (item: Item) => Promise<Result>

/**
 * Lets items that arrive while a commit is in flight, or in the same turn of the event loop, share the next
 * commit. `commit` gets at most `most` items and gives what came of each, in order; if it throws, all of
 * them fail with that error. Each promise settles after its own commit, and there is one commit at a time.
 */
export function groupCommit<Item, Result extends object>(
  commit: (items: Item[]) => Promise<Settled<Result>[]>,
  most: number,
): GroupCommit<Item, Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  const waiting: Waiting[] = []
  let committing = false

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.splice(0, most)
      await commitGroup(group)
      await nextTurn()
    }
    committing = false
  }

  async function commitGroup(group: Waiting[]): Promise<void> {
    try {
      const results = await commit(group.map((one) => one.item))
      group.forEach((one, i) => {
        settle(one, results[i] ?? { error: new Error('a commit gave no result') })
      })
    } catch (error) {
      for (const one of group) one.reject(error)
    }
  }

  function settle(one: Waiting, result: Settled<Result>): void {
    if ('error' in result) one.reject(result.error)
    else one.resolve(result)
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (committing) return
      committing = true
      void nextTurn().then(commitAll)
    })
}

// The database may answer without ever leaving the event loop's turn; requests that are already at the
// channel are read in the turn between two commits.
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
