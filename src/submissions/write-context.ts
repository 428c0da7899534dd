import type { ProcessCodec } from '../encryption/process-codec.ts'
import type { Contents } from './content-codec.ts'
import type { RecipientsStore } from './recipients-store.ts'

/** What writing needs to leave nothing in the clear that should not be. */
export type Writing = {
  contents: Contents
  recipientsStore: RecipientsStore
  processCodec: ProcessCodec
  /** True if there is an editor whose mail may tell, encrypted, what an encrypted message says. */
  mayTellInConfidence: () => Promise<boolean>
  /** Several may write at the same moment: what must not change meanwhile has to be locked. */
  isPostgres: boolean
}
