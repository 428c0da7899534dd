import type { Editor, SessionFacts } from '../../accounts/editor.ts'
import type { Identity, Keys } from '../../encryption/types.ts'

/** The editor who asks, the session they ask in, and what they can open in it. */
export type Seat = {
  editor: Editor
  sessionHash: string
  formToken: string
  /** Undefined in a session that was begun without anything that opens, as by a mailed link. */
  identity: Identity | undefined
  keys: Keys
  session: SessionFacts
}
