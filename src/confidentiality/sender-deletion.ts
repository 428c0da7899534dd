import { Failure } from '../core/errors.ts'
import { minuteOf } from '../core/ids.ts'
import { type Keys, narrowed, type SealedFiles } from '../encryption/types.ts'
import type { FileStore } from '../files/store.ts'

export type LeaveContext = {
  store: {
    files(submissionId: string): Promise<SealedFiles | undefined>
    leave(
      submissionId: string,
      as: Pick<SealedFiles, 'revision' | 'sealing'>,
      keys: Keys,
      at: number,
    ): Promise<void>
  }
  files: Pick<FileStore, 'sealAnew'>
  now: () => number
}

/**
 * A sender deletes their side of a sealed piece: with their own key everything is sealed for the desk only. The files
 * first: broken off, the receipt still is one, and it can be done again.
 * @throws Failure `conflict` if something was written meanwhile
 */
export function leaver({ store, files, now }: LeaveContext) {
  return async (submissionId: string, keys: Keys): Promise<void> => {
    const sealed = await store.files(submissionId)
    if (!sealed) throw new Failure('conflict', 'There is no side of yours to delete here.')
    const forDesk = narrowed(sealed.sealing, 'desk')
    for (const { id } of sealed.files) await files.sealAnew(id, keys, forDesk)
    await store.leave(submissionId, sealed, keys, minuteOf(now()))
  }
}
