import { type Pace, sizeAfter } from '../background/pace.ts'

type ErasedFile = { name: string; sort: 'file' | 'mail' }

/** What the eraser is handed where everything meets. */
export type EraserParts = {
  erasures: {
    files(after: string, most: number): Promise<ErasedFile[]>
    filesGone(files: ErasedFile[]): Promise<void>
    beginToWipe(after: string, most: number): Promise<{ count: number; last: string; hasWords: boolean }>
    wipeWords(isFirst: boolean, pages: number): Promise<boolean>
    wipeLog(): Promise<boolean>
    wiped(after: string, most: number): Promise<{ count: number; last: string }>
  }
  eraseFile: (id: string) => Promise<void>
  forgetMail: (deliveryId: string) => Promise<void>
  onTrouble: (error: unknown) => void
  pace: Pace
}

const filesAtOnce = 100
const piecesAtOnce = { first: 100, most: 1000 }
/** Pages of the search index that are merged in one statement. */
const pagesAtOnce = { first: 50, most: 200 }

/**
 * Wipes what is left of pieces whose rows are gone: files, kept mails, words in the search index, what the database's log
 * still holds. It may be interrupted anywhere: what is done is noted step by step, and the rest is done the next time.
 * What the index and the log cost does not grow with how much is wiped of them, so that is done once for all there is.
 * Says whether there was anything to wipe in the database.
 */
export async function wipeErased(parts: EraserParts): Promise<boolean> {
  await wipeFiles(parts)
  const { erasures, pace } = parts
  let hasWords = false
  const pieces = await alongIds(pace, async (after, most) => {
    const page = await erasures.beginToWipe(after, most)
    hasWords ||= page.hasWords
    return page
  })
  if (pieces === 0) return false
  if (hasWords) await wipeWords(parts)
  if (await pace.turn(() => erasures.wipeLog())) await alongIds(pace, erasures.wiped)
  return true
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
  }, piecesAtOnce)
}

async function wipeWords({ erasures, pace }: EraserParts): Promise<void> {
  let pages = pagesAtOnce.first
  for (let isFirst = true, goesOn = true; goesOn; isFirst = false) {
    goesOn = await pace.turn(async () => {
      const begun = performance.now()
      const isMore = await erasures.wipeWords(isFirst, pages)
      pages = sizeAfter(pages, performance.now() - begun, pagesAtOnce.most)
      return isMore
    })
  }
}

/** One that cannot be wiped now holds up none of the others; it is tried again the next time. */
async function wipeFiles({ erasures, eraseFile, forgetMail, pace, onTrouble }: EraserParts): Promise<void> {
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
        onTrouble(error)
      }
    })
    await pace.turn(() => erasures.filesGone(gone))
    after = files.at(-1)?.name ?? after
  }
}
