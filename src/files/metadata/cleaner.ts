import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { loadedOnce } from '../../core/loaded-once.ts'
import { type Made, madeBy, type ProcessCommand } from '../processes/child-process.ts'
import { confined } from '../processes/confinement.ts'
import { turns } from '../processes/turns.ts'
import { findingsIn } from './findings.ts'
import { cleaning, findPrograms, noPrograms } from './sandbox.ts'
import { type CleaningStrategy, endingFor, pictureType, wayFor } from './strategy.ts'
import type { FileToClean, Finding, NotCleaned, Programs } from './types.ts'

/** Opens a file when its turn has come. */
type Open = () => Promise<Readable>

type CleanCopy = { type: string; ending: string; content: Readable }

export type Cleaner = ReturnType<typeof createCleaner>

/** Below the time after which proxies give up. Milliseconds. */
const patience = 50_000

/** Who reads slower than this gets no copy: others wait for their turn. Milliseconds. */
const longestReading = 10 * 60_000

/** What is larger has no room in the sandbox beside what it becomes. Bytes. */
const mostBytes = 128 * 1024 * 1024

/** One copy is made at a time (`children/child.ts`); meanwhile one more may be on its way to whoever asked for it. */
const atOnce = 2

const pictureCleaner = fileURLToPath(new URL('./picture-process.ts', import.meta.url))

/**
 * Makes clean copies: what a file shows, without what it tells besides. A copy is made while somebody waits for it, and
 * kept nowhere; a file goes into the process that cleans it, and out of it, through pipes.
 */
export function createCleaner(limits: { patience?: number; command?: typeof cleaning } = {}) {
  const inSandbox = limits.command ?? cleaning
  const inTurn = turns(atOnce)
  const found = loadedOnce(() => findPrograms(inSandbox('programs')))

  return {
    /** Which programs there are; looked for until they are found, and then no more. Without a sandbox there is nothing. */
    async programs(): Promise<Programs> {
      return (await found().catch(() => undefined)) ?? noPrograms
    },

    /** Why there will be no clean copy of a file, as far as that is known before it is opened. */
    async reason(file: FileToClean): Promise<NotCleaned | undefined> {
      const way = await this.way(file)
      return typeof way === 'string' ? way : undefined
    },

    async way({ type, name, size, isRaw }: FileToClean): Promise<CleaningStrategy | NotCleaned> {
      if (isRaw) return 'mail'
      if (type === null) return 'locked'
      const way = wayFor(type, name)
      if (typeof way === 'string') return way
      return missing(way, await this.programs()) ?? ((size ?? 0) > mostBytes ? 'too-large' : way)
    },

    /** @throws what `open` throws, and what breaks while the file is read */
    async clean(file: FileToClean, open: Open, leaving?: AbortSignal): Promise<CleanCopy | NotCleaned> {
      const way = await this.way(file)
      return typeof way === 'string' ? way : inTurn(() => cleaned(way, open, leaving), { until: closed })
    },

    /** What a file tells besides what it shows; undefined where that cannot be found out here. */
    async look(file: FileToClean, open: Open, leaving?: AbortSignal): Promise<Finding[] | undefined> {
      const { exiftool } = await this.programs()
      if (!exiftool || (file.size ?? 0) > mostBytes) return undefined
      const command = inSandbox('look', endingFor(file.type ?? '', file.name))
      const made = await inTurn(async () => run(command, await open(), leaving))
      if (typeof made === 'string') return undefined
      return findingsIn(await text(made.content))
    },
  }

  async function cleaned(
    way: CleaningStrategy,
    open: Open,
    leaving?: AbortSignal,
  ): Promise<CleanCopy | NotCleaned> {
    if (way.by === 'picture' || way.by === 'heif') {
      const cleansPictures = await confined(pictureCleaner)
      if (way.by === 'picture') return picture(await run(cleansPictures, await open(), leaving))
      const shown = await run(inSandbox('clean', 'heic'), await open(), leaving)
      return typeof shown === 'string' ? shown : picture(await run(cleansPictures, shown.content, leaving))
    }
    const made = await run(inSandbox('clean', way.ending), await open(), leaving)
    return typeof made === 'string' ? made : { type: way.type, ending: way.ending, content: made.content }
  }

  function run(
    command: ProcessCommand,
    content: Readable,
    leaving?: AbortSignal,
  ): Promise<Made | NotCleaned> {
    return madeBy(command, content, { patience: limits.patience ?? patience, leaving })
  }
}

/** The process lives as long as somebody reads what it made, and no longer than they may take. */
function closed(copy: CleanCopy | NotCleaned): Promise<void> | undefined {
  if (typeof copy === 'string') return undefined
  const { content } = copy
  const timer = setTimeout(() => content.destroy(), longestReading)
  return finished(content)
    .catch(() => undefined)
    .finally(() => clearTimeout(timer))
}

function picture(made: Made | NotCleaned): CleanCopy | NotCleaned {
  return typeof made === 'string' ? made : { ...pictureType(made.head), content: made.content }
}

function missing({ by }: CleaningStrategy, programs: Programs): NotCleaned | undefined {
  if (by === 'picture') return undefined
  if (!programs.sandbox) return 'no-sandbox'
  return programs[by] ? undefined : `no-${by}`
}
