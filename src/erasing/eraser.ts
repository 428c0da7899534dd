/** What the eraser is handed where everything meets. */
export type EraserParts = {
  erasures: {
    files(after: string, most: number): Promise<{ name: string; sort: 'file' | 'mail' }[]>
    fileGone(file: { name: string; sort: 'file' | 'mail' }): Promise<void>
    toWipe(most: number): Promise<{ ids: string[]; hasWords: boolean }>
    wipeWords(isFirst: boolean): Promise<boolean>
    wipeLog(): Promise<boolean>
    wiped(submissionIds: string[]): Promise<void>
  }
  eraseFile: (id: string) => Promise<void>
  forgetMail: (deliveryId: string) => Promise<void>
  /** Waits a little, so that what comes in goes first. */
  rest: () => Promise<void>
  onTrouble: (error: unknown) => void
}

const filesAtOnce = 100
const piecesAtOnce = 1000

/**
 * Wipes what is left of pieces whose rows are gone: files, kept mails, words in the search index, what the database's log
 * still holds. It may be interrupted anywhere: what is done is noted step by step, and the rest is done the next time.
 */
export async function wipeErased(parts: EraserParts): Promise<void> {
  await wipeFiles(parts)
  const { erasures } = parts
  const { ids, hasWords } = await erasures.toWipe(piecesAtOnce)
  if (ids.length === 0) return
  if (hasWords) await wipeWords(parts)
  if (await erasures.wipeLog()) await erasures.wiped(ids)
}

async function wipeWords({ erasures, rest }: EraserParts): Promise<void> {
  for (let goesOn = await erasures.wipeWords(true); goesOn; goesOn = await erasures.wipeWords(false))
    await rest()
}

/** One that cannot be wiped now holds up none of the others; it is tried again the next time. */
async function wipeFiles({ erasures, eraseFile, forgetMail, rest, onTrouble }: EraserParts): Promise<void> {
  let after = ''
  for (;;) {
    const files = await erasures.files(after, filesAtOnce)
    if (files.length === 0) return
    for (const file of files) {
      try {
        await (file.sort === 'file' ? eraseFile(file.name) : forgetMail(file.name))
        await erasures.fileGone(file)
      } catch (error) {
        onTrouble(error)
      }
    }
    after = files.at(-1)?.name ?? after
    await rest()
  }
}
