import type { Identity, Recipient } from './seal.ts'

/*
 * Who can open what: the desk key opens every confidential piece. It is kept only as granted to its holders, sealed for
 * each; a holder is an editor, or the recovery sheet. What an editor's own identity is kept under is what they bring:
 * their passphrase, a passkey, or, until they have set up, the link that they were sent.
 */

/** What an editor's identity is wrapped under. */
export type WrapWay = 'passphrase' | 'link' | 'passkey'

export type KeyHolder = {
  id: string
  /** Null for the recovery sheet. */
  editorId: string | null
  recipient: Recipient
}

/** A holder that was made just now, with what is not kept of it. */
export type NewHolder = KeyHolder & { identity: Identity }

/** The identity of a holder under something that they bring. */
export type KeyWrap = { id: string; way: WrapWay; wrapped: string }

/** The desk key, sealed for a holder. */
export type KeyGrant = { deskKey: Recipient; holderId: string; sealed: string }
