import type { StagedFile } from './draft.ts'
import { Failure } from './failure.ts'
import type { Parts } from './parts.ts'
import type { WrittenFile } from './work.ts'

/**
 * Puts the files of an answer in their place before anything speaks of them, sealed as the conversation is. Where it is
 * certain that the answer was not written they go again; otherwise the next start sweeps what belongs to nothing.
 */
export function answerFiles({ files, storage }: Pick<Parts, 'files' | 'storage'>) {
  return async <T>(
    submissionId: string,
    staged: StagedFile[],
    write: (kept: WrittenFile[]) => Promise<T>,
  ): Promise<T> => {
    const ids = staged.map(({ id }) => id)
    const sealed = await files.keep(ids, await storage.sealings.ofOne(submissionId))
    try {
      return await write(staged.map((file) => ({ ...file, ...sealed.get(file.id) })))
    } catch (error) {
      if (error instanceof Failure && (error.isUndone || error.code !== 'unavailable'))
        await files.remove(ids)
      throw error
    }
  }
}
