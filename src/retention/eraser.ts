import { type Pace, sizeAfter } from '../core/pace.ts'
import type { ErasedFile, ErasureStore } from './erasure-store.ts'

/** What the eraser is handed where everything meets. */
type EraserContext = {
  erasures: ErasureStore
  eraseFile: (id: string) => Promise<void>
  forgetMail: (jobId: string) => Promise<void>
  onError: (error: unknown) => void
  pace: Pace
}

const filesAtOnce = 100
const submissionsAtOnce = { first: 100, most: 1000 }

/**
 * While most of the log is written back beside everything else, it is looked so often whether that is done, and so many
 * times.
 */
const look = 100
const mostLooks = 300

/** Pages of the search index that are merged in one statement. */
const pagesAtOnce = { first: 50, most: 200 }

/**
 * Wipes the files and the kept mails of submissions whose rows are gone. It may be interrupted anywhere: the rest is
 * done the next time. One that cannot be wiped now holds up none of the others; it is tried again the next time too.
 */
export async function wipeFiles(app: EraserContext): Promise<void> {
  const { erasures, eraseFile, forgetMail, pace, onError } = app
  let after = ''
  for (;;) {
    const files = await erasures.files(after, filesAtOnce)
    if (files.length === 0) return
    const gone: ErasedFile[] = []
    await pace.each(files, async (file) => {
      try {
        await (file.sort === 'file' ? eraseFile(file.name) : forgetMail(file.name))
        gone.push(file)
      } catch (error) {
        onError(error)
      }
    })
    await pace.turn(() => erasures.filesGone(gone))
    after = files.at(-1)?.name ?? after
  }
}

/**
 * Wipes what is left in the database of submissions whose rows are gone: words in the search index, what its log still
 * holds. It may be interrupted anywhere. What that costs does not grow with how much is wiped, so it is done once for
 * all there is.
 */
export async function wipeDatabase({
  erasures,
  pace,
}: Pick<EraserContext, 'erasures' | 'pace'>): Promise<void> {
  let hasWords = false
  const submissions = await alongIds(pace, async (after, most) => {
    const page = await erasures.beginToWipe(after, most)
    hasWords ||= page.hasWords
    return page
  })
  if (submissions === 0) return
  if (hasWords) await wipeWords(erasures, pace)
  for (let looks = 0; looks < mostLooks && !(await erasures.isLogShort()); looks++) await pace.wait(look)
  if (await pace.turn(() => erasures.wipeLog())) await alongIds(pace, erasures.wiped)
}

async function alongIds(
  pace: Pace,
  step: (after: string, most: number) => Promise<{ count: number; last: string }>,
): Promise<number> {
  let after = ''
  return pace.steps(async (most) => {
    const { count, last } = await step(after, most)
    after = last
    return count
  }, submissionsAtOnce)
}

async function wipeWords(erasures: EraserContext['erasures'], pace: Pace): Promise<void> {
  let pages = pagesAtOnce.first
  for (let isFirst = true, goesOn = true; goesOn; isFirst = false) {
    goesOn = await pace.turn(async () => {
      const begun = performance.now()
      const isMore = await erasures.wipeWords(isFirst, pages)
      pages = sizeAfter(pages, performance.now() - begun, pagesAtOnce)
      return isMore
    })
  }
}
