import { Failure } from '../core/errors.ts'
import { narrowed } from '../encryption/types.ts'
import type { FileStore } from '../files/store.ts'
import type { StagedFile } from '../submissions/incoming.ts'
import type { RecipientsStore } from '../submissions/recipients-store.ts'
import type { AnswerFile } from './actions.ts'

/** The files of an answer, and what is kept with it for the desk only. */
type AnswerFiles = { files: StagedFile[]; aside?: StagedFile[] }

/**
 * Puts the files of an answer in their place before anything speaks of them, encrypted as the conversation is. Where it is
 * certain that the answer was not written they go again; otherwise the next start sweeps what belongs to nothing.
 */
export function answerFiles({
  files,
  storage,
}: {
  files: Pick<FileStore, 'keep' | 'remove'>
  storage: { recipientsStore: Pick<RecipientsStore, 'ofOne'> }
}) {
  return async <T>(
    submissionId: string,
    given: AnswerFiles,
    write: (files: AnswerFile[], aside: AnswerFile[]) => Promise<T>,
  ): Promise<T> => {
    const { files: sent, aside = [] } = given
    const recipients = await storage.recipientsStore.ofOne(submissionId)
    const kept = await keep(sent, recipients)
    const keptAside = await keep(aside, recipients && narrowed(recipients, 'desk'))
    try {
      return await write(kept, keptAside)
    } catch (error) {
      if (error instanceof Failure && (error.isUndone || error.code !== 'unavailable'))
        await files.remove([...sent, ...aside].map(({ id }) => id))
      throw error
    }
  }

  async function keep(
    staged: StagedFile[],
    recipients: Parameters<typeof files.keep>[1],
  ): Promise<AnswerFile[]> {
    const ids = staged.map(({ id }) => id)
    const encrypted = await files.keep(ids, recipients)
    return staged.map((file) => ({ ...file, ...encrypted.get(file.id) }))
  }
}
