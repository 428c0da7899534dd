import { Failure } from '../core/errors.ts'
import type { FileStore } from '../files/store.ts'
import type { EncryptedAs } from '../submissions/intake-record.ts'
import type { ClearFile, ConfidentialStore, MakingConfidential } from './make-confidential-store.ts'

type Copies = Map<string, EncryptedAs & { id: string }>

type ConfidentialContext = {
  store: ConfidentialStore
  files: FileStore
}

type MakeConfidential = (confidential: MakingConfidential) => Promise<void>

/**
 * Marks a submission as confidential: its files are copied encrypted, then in one transaction the copies and the
 * encrypted texts take the place of what was clear, and that is wiped.
 * @throws Failure `conflict` if the submission is no longer as it was seen; then nothing has changed
 */
export function confidentialMaker({ store, files }: ConfidentialContext): MakeConfidential {
  return async (confidential) => {
    const recipients = await store.recipientsFor(confidential.submissionId)
    const staged = await stagedCopies(await store.clearFiles(confidential.submissionId))
    const ids = [...staged.values()]
    try {
      const encrypted = await files.keep(ids, recipients)
      await store.mark(confidential, recipients, copiesOf(staged, encrypted))
    } catch (error) {
      // Where it is not certain that nothing was written, the next start sweeps what belongs to nothing.
      if (error instanceof Failure && error.code === 'conflict') await files.remove(ids)
      throw error
    }
  }

  /** An encrypted copy of each file, by the id of that: each is as large as it was. */
  async function stagedCopies(clear: ClearFile[]): Promise<Map<string, string>> {
    const staged = new Map<string, string>()
    try {
      for (const { id, type, size } of clear) {
        const options = { isEncrypted: true as const, maxBytes: size, typeOf: async () => type }
        staged.set(id, (await files.stage(await files.read(id), options)).id)
      }
      return staged
    } catch (error) {
      await files.discard([...staged.values()])
      throw error
    }
  }
}

function copiesOf(staged: Map<string, string>, encrypted: Map<string, EncryptedAs>): Copies {
  const copies: Copies = new Map()
  for (const [before, id] of staged) {
    const as = encrypted.get(id)
    if (!as) throw new Error('a copy was not sealed')
    copies.set(before, { id, ...as })
  }
  return copies
}
