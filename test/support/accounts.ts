import assert from 'node:assert/strict'
import type { KeyMoves } from '../../src/accounts/keyring/key-holders.ts'
import type { Storage } from '../../src/app/stores.ts'

type Accounts = Pick<Storage, 'editors' | 'keyRing'>

/** Ends an account, and leaves the keys as they are. */
export function removeEditor(storage: Accounts, email: string, now = Date.now()): Promise<void> {
  return change(storage, email, (moves, id) => moves.removeEditor(id, now, { lastAdminToo: true }))
}

/** Takes an account's factors away, and leaves the keys as they are. */
export function resetFactors(storage: Accounts, email: string): Promise<void> {
  return change(storage, email, (moves, id) => moves.resetFactors(id))
}

async function change(
  { editors, keyRing }: Accounts,
  email: string,
  work: (moves: KeyMoves, id: string) => Promise<void>,
): Promise<void> {
  const editor = await editors.byEmail(email)
  assert.ok(editor, `${email} is no editor`)
  await keyRing.together((moves) => work(moves, editor.id))
}
