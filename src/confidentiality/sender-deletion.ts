import { Failure } from '../core/errors.ts'
import { minuteOf } from '../core/ids.ts'
import { type FilesToEncrypt, type Keys, narrowed } from '../encryption/types.ts'
import type { FileStore } from '../files/store.ts'

type LeaveContext = {
  store: {
    files(submissionId: string): Promise<FilesToEncrypt | undefined>
    leave(
      submissionId: string,
      as: Pick<FilesToEncrypt, 'revision' | 'recipients'>,
      keys: Keys,
      at: number,
    ): Promise<void>
  }
  files: Pick<FileStore, 'reEncrypt'>
  now: () => number
}

/**
 * A sender deletes their side of an encrypted submission: with their own key everything is encrypted for the desk only.
 * The files first: broken off, the receipt still is one, and it can be done again.
 * @throws Failure `conflict` if something was written meanwhile
 */
export function leaver({ store, files, now }: LeaveContext) {
  return async (submissionId: string, keys: Keys): Promise<void> => {
    const encrypted = await store.files(submissionId)
    if (!encrypted) throw new Failure('conflict', 'There is no side of yours to delete here.')
    const forDesk = narrowed(encrypted.recipients, 'desk')
    for (const { id } of encrypted.files) await files.reEncrypt(id, keys, forDesk)
    await store.leave(submissionId, encrypted, keys, minuteOf(now()))
  }
}
