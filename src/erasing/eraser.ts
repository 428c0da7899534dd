/** What the eraser is handed where everything meets. */
export type EraserParts = {
  erasures: {
    files(most: number): Promise<{ name: string; sort: 'file' | 'mail' }[]>
    fileGone(file: { name: string; sort: 'file' | 'mail' }): Promise<void>
    toWipe(): Promise<{ hasWords: boolean } | undefined>
    wipeWords(isFirst: boolean): Promise<boolean>
    wipeLog(): Promise<boolean>
    wiped(by: number): Promise<void>
  }
  eraseFile: (id: string) => Promise<void>
  forgetMail: (deliveryId: string) => Promise<void>
  /** Waits a little, so that what comes in goes first. */
  rest: () => Promise<void>
  now: () => number
}

const filesAtOnce = 100

/**
 * Wipes what is left of pieces whose rows are gone: files, kept mails, words in the search index, what the database's log
 * still holds. It may be interrupted anywhere: what is done is noted step by step, and the rest is done the next time.
 */
export async function wipeErased(parts: EraserParts): Promise<void> {
  await wipeFiles(parts)
  const { erasures } = parts
  const begun = parts.now()
  const toWipe = await erasures.toWipe()
  if (toWipe?.hasWords) await wipeWords(parts)
  if (toWipe && (await erasures.wipeLog())) await erasures.wiped(begun)
}

async function wipeWords({ erasures, rest }: EraserParts): Promise<void> {
  for (let goesOn = await erasures.wipeWords(true); goesOn; goesOn = await erasures.wipeWords(false))
    await rest()
}

async function wipeFiles({ erasures, eraseFile, forgetMail, rest }: EraserParts): Promise<void> {
  for (;;) {
    const files = await erasures.files(filesAtOnce)
    if (files.length === 0) return
    for (const file of files) {
      await (file.sort === 'file' ? eraseFile(file.name) : forgetMail(file.name))
      await erasures.fileGone(file)
    }
    await rest()
  }
}
