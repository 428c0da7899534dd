import { Failure } from '../core/errors.ts'
import type { FileStore } from '../files/store.ts'
import type { SealedAs } from '../submissions/intake-record.ts'
import type { MarkingStore } from './make-confidential-store.ts'

type Marking = { submissionId: string; revision: number; editorId: string; at: number }
type ClearFile = { id: string; type: string; size: number }
type Copies = Map<string, SealedAs & { id: string }>

export type MarkContext = {
  store: MarkingStore
  files: FileStore
}

export type MarkConfidential = (marking: Marking) => Promise<void>

/**
 * Marks a piece as confidential: its files are copied sealed, then in one transaction the copies and the sealed texts take
 * the place of what was clear, and that is wiped.
 * @throws Failure `conflict` if the piece is no longer as it was seen; then nothing has changed
 */
export function confidentialMarker({ store, files }: MarkContext): MarkConfidential {
  return async (marking) => {
    const sealing = await store.sealingFor(marking.submissionId)
    const staged = await stagedCopies(await store.clearFiles(marking.submissionId))
    const ids = [...staged.values()]
    try {
      const sealed = await files.keep(ids, sealing)
      await store.mark(marking, sealing, copiesOf(staged, sealed))
    } catch (error) {
      // Where it is not certain that nothing was written, the next start sweeps what belongs to nothing.
      if (error instanceof Failure && error.code === 'conflict') await files.remove(ids)
      throw error
    }
  }

  /** A sealed copy of each file, by the id of that: each is as large as it was. */
  async function stagedCopies(clear: ClearFile[]): Promise<Map<string, string>> {
    const staged = new Map<string, string>()
    try {
      for (const { id, type, size } of clear) {
        const options = { isSealed: true as const, maxBytes: size, typeOf: async () => type }
        staged.set(id, (await files.stage(await files.read(id), options)).id)
      }
      return staged
    } catch (error) {
      await files.discard([...staged.values()])
      throw error
    }
  }
}

function copiesOf(staged: Map<string, string>, sealed: Map<string, SealedAs>): Copies {
  const copies: Copies = new Map()
  for (const [before, id] of staged) {
    const as = sealed.get(id)
    if (!as) throw new Error('a copy was not sealed')
    copies.set(before, { id, ...as })
  }
  return copies
}
