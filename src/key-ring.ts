import type { NewDelivery } from './delivery.ts'
import type { Editor, Passkey, Role } from './editor.ts'
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

/** A holder, with how many desk keys they were granted, and the ways by which they come to them. */
export type StandingHolder = KeyHolder & { createdAt: number; grants: number; ways: WrapWay[] }

/** What is read of the ring. */
export type KeyRows = {
  current(): Promise<Recipient | undefined>
  /** How many keys there have been: who holds fewer cannot open everything. */
  count(): Promise<number>
  /** True if anything is sealed. */
  isNeeded(): Promise<boolean>
  holders(): Promise<StandingHolder[]>
  /** The newest first. */
  holdersOf(editorId: string): Promise<(KeyHolder & { createdAt: number })[]>
  holderFor(recipient: Recipient): Promise<KeyHolder | undefined>
  grantsOf(holderId: string): Promise<KeyGrant[]>
  wrapped(id: string): Promise<(KeyWrap & { holder: KeyHolder }) | undefined>
  wrapsOf(holderId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]>
}

/** What one step reads and changes, all in one transaction: the ring, and the accounts that go with it. */
export type KeyMoves = KeyRows & {
  replaceKey(key: Recipient, grants: KeyGrant[], at: number): Promise<void>
  addHolder(holder: KeyHolder, at: number): Promise<void>
  dropHolders(ids: string[]): Promise<void>
  grant(grants: KeyGrant[]): Promise<void>
  wrap(holderId: string, wrap: KeyWrap): Promise<void>
  dropWraps(ids: string[]): Promise<void>
  dropLinks(hashes: string[]): Promise<void>
  editorIds(): Promise<string[]>
  addEditor(email: string, role: Role, now: number): Promise<Editor>
  removeEditor(id: string, now: number, options?: { lastAdminToo?: boolean }): Promise<void>
  resetFactors(editorId: string): Promise<void>
  setPassphrase(editorId: string, hash: string): Promise<void>
  addPasskey(passkey: Omit<Passkey, 'usedAt'>): Promise<void>
  removePasskey(editorId: string, id: string): Promise<void>
  addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void>
  post(delivery: NewDelivery, now: number): Promise<void>
}
