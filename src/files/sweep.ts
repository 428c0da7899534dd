import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { unlessGone } from '../core/durable-file.ts'
import { isFileId } from './file-id.ts'

/** So many files a crash may leave between the file store and the database; more are nobody's to clear away unasked. */
const mostKeptSwept = 20

/** Asked of the database at once: a stretch of a few milliseconds. */
const askedAtOnce = 200

type SweepOptions = {
  /** What has changed since then may just be coming in. Milliseconds. */
  before: number
  /** Which of these files the database speaks of. */
  keptAmong: (ids: string[]) => Promise<Set<string>>
  /** However many they are. */
  isAskedFor?: boolean
}

/** `left` are files that nothing speaks of, and that stay where they are: they are too many to be what a crash left. */
type Swept = { moved: number; left: number }

/**
 * Clears away what a crash left in a store of files. Nothing is deleted at once: it is moved to a folder of its own, and
 * stays there for some days.
 */
export function sweeping(root: string, folders: { staging: string; kept: string[] }) {
  const sweptFolder = join(root, 'swept')

  return {
    async sweep(options: SweepOptions): Promise<Swept> {
      const staged = await olderIn(folders.staging, await namesIn(folders.staging), options.before)
      const kept: string[] = []
      for (const folder of folders.kept) kept.push(...(await unspokenOf(folder, options)))
      const isRefused = kept.length > mostKeptSwept && !options.isAskedFor
      const moving = isRefused ? staged : [...staged, ...kept]
      for (const path of moving) await moveAway(path)
      return { moved: moving.length, left: isRefused ? kept.length : 0 }
    },

    /** Deletes what was swept before a time, in milliseconds; says how many files that were. */
    async forgetSwept(before: number): Promise<number> {
      const names = await namesIn(sweptFolder)
      let forgotten = 0
      for (const name of names) {
        const path = join(sweptFolder, name)
        if ((await stat(path)).mtimeMs >= before) continue
        await rm(path, { force: true })
        forgotten += 1
      }
      return forgotten
    },
  }

  async function unspokenOf(folder: string, { before, keptAmong }: SweepOptions): Promise<string[]> {
    const names = await namesIn(folder)
    const found: string[] = []
    for (let i = 0; i < names.length; i += askedAtOnce) {
      const some = names.slice(i, i + askedAtOnce)
      const kept = await keptAmong(some)
      const unknown = some.filter((name) => !kept.has(name))
      found.push(...(await olderIn(folder, unknown, before)))
      await nextTurn()
    }
    return found
  }

  async function moveAway(path: string): Promise<void> {
    await mkdir(sweptFolder, { recursive: true, mode: 0o700 })
    const to = join(sweptFolder, path.slice(path.lastIndexOf('/') + 1))
    const now = new Date()
    await rename(path, to).then(() => utimes(to, now, now), unlessGone)
  }
}

/** The ids of the files in a folder; none where it is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(unlessGone))?.filter(isFileId) ?? []
}

async function olderIn(folder: string, names: string[], before: number): Promise<string[]> {
  const paths: string[] = []
  for (const name of names) {
    const path = join(folder, name)
    const found = await stat(path).catch(unlessGone)
    if (found && found.ctimeMs < before) paths.push(path)
  }
  return paths
}
