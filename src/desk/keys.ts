import type { Request, Response } from 'express'
import encodeQR from 'qr'
import type { Colleague, Editor } from '../editor.ts'
import { Failure } from '../failure.ts'
import type { NewHolder } from '../key-ring.ts'
import type { Identity, Keys } from '../seal.ts'
import type { AskedPasskeys } from './asked-passkeys.ts'
import type { ShowPage } from './page.ts'
import { passkeySalt } from './passkeys.ts'
import { openPassphrase } from './passphrase.ts'
import { type DeskRoute, formText, type Seat } from './routes.ts'
import type { Sessions } from './session.ts'
import { passphraseWrap } from './sign-in.ts'

export type KeyParts = {
  showPage: ShowPage
  editors: { team(): Promise<Colleague[]>; byEmail(email: string): Promise<Editor | undefined> }
  sessions: Sessions
  factors: { passphrase(editorId: string): Promise<string | undefined> }
  askedPasskeys: AskedPasskeys
  tries: { allow(account: string, now: number, limit: { most: number; span: number }): Promise<boolean> }
  keyRing: {
    admit(editorId: string, keys: Keys): Promise<NewHolder>
    letIn(editorId: string, keys: Keys): Promise<void>
    recoverySheet(keys: Keys): Promise<Identity>
    keysOf(identity: Identity): Keys
    unwrap(id: string, secret: Uint8Array): Promise<Identity | undefined>
    standing(): Promise<{ editors: Map<string, boolean>; hasSheet: boolean }>
  }
  resealing: { progress(): Promise<{ left: number; isMore: boolean; isRunning: boolean }> }
  newsroom: string
  base: string
  now: () => number
}

const tries = { most: 5, span: 60_000 }

/** Who can open what is sealed: unlocking one's own session, letting a colleague in, the recovery sheet. */
export function keyRoutes(parts: KeyParts): DeskRoute[] {
  const { base, askedPasskeys, keyRing, sessions } = parts
  return [
    { method: 'get', path: '/desk/keys', access: 'editor', handle: (req, res, seat) => show(req, res, seat) },
    { method: 'post', path: '/desk/keys/unlock', access: 'editor', handle: unlock },
    { method: 'post', path: '/desk/keys/passkey', access: 'editor', handle: usePasskey },
    { method: 'post', path: '/desk/keys/sheet', access: 'editor', handle: useSheet },
    { method: 'post', path: '/desk/keys/let-in', access: 'editor', handle: letIn },
    { method: 'post', path: '/desk/keys/recovery', access: 'editor', handle: makeSheet },
  ]

  async function show(req: Request, res: Response, seat: Seat, failure?: Failure): Promise<void> {
    const { editors, hasSheet } = await keyRing.standing()
    const isLocked = seat.identity === undefined
    await parts.showPage(res, seat, 'desk/keys', {
      resealing: await parts.resealing.progress(),
      isLocked,
      passkey: isLocked ? await askedPasskeys.askToOpen(req, seat.editor, seat.sessionHash) : undefined,
      salt: passkeySalt,
      hasPassphrase: (await parts.factors.passphrase(seat.editor.id)) !== undefined,
      team: (await parts.editors.team()).map((one) => ({ ...one, isIn: editors.get(one.id) === true })),
      isIn: editors.get(seat.editor.id) === true,
      hasSheet,
      saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
      back: backIn(req.query.back) ?? backIn(formText(req, 'back')),
      failure,
    })
  }

  async function unlock(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const { id } = seat.editor
    const secret = await openPassphrase(formText(req, 'passphrase'), await parts.factors.passphrase(id))
    const identity = secret && (await keyRing.unwrap(passphraseWrap(id), secret))
    if (!identity) return refuse(req, res, seat, 'passphrase', 'This is not your passphrase.')
    await open(req, res, seat, identity)
  }

  async function usePasskey(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const signed = await askedPasskeys.signed(req, seat.editor, seat.sessionHash)
    const identity = signed && (await askedPasskeys.open(signed))
    if (!identity) return refuse(req, res, seat, 'prf', 'This passkey has not unlocked it.')
    await open(req, res, seat, identity)
  }

  /** Opens the session, and goes back to where it was found locked. */
  async function open(req: Request, res: Response, seat: Seat, identity: Identity): Promise<void> {
    await sessions.open(req, seat, identity)
    const back = backIn(formText(req, 'back'))
    res.redirect(303, back ? `${base}/desk/submissions/${back}` : `${base}/desk/keys?saved=unlocked`)
  }

  /** Whoever holds the sheet is let in by it, as a colleague would. */
  async function useSheet(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const typed = formText(req, 'sheet').replace(/\s+/g, '').toUpperCase()
    const keys = /^AGE-SECRET-KEY-1[\dA-Z]{58}$/.test(typed) ? keyRing.keysOf(typed) : undefined
    const opened = await keys?.().catch(() => [])
    if (!keys || !opened?.length) {
      return refuse(req, res, seat, 'sheet', 'This is not what is printed on the current recovery sheet.')
    }
    const { identity } = await keyRing.admit(seat.editor.id, keys)
    await sessions.open(req, seat, identity)
    res.redirect(303, `${base}/desk/account?saved=let-in#passphrase`)
  }

  async function letIn(req: Request, res: Response, seat: Seat): Promise<void> {
    mustBeOpen(seat)
    const colleague = await parts.editors.byEmail(formText(req, 'email'))
    if (!colleague) throw new Failure('not-found', 'There is no such editor.')
    await keyRing.letIn(colleague.id, seat.keys)
    res.redirect(303, `${base}/desk/keys?saved=let-in`)
  }

  /** The one before opens nothing any more. */
  async function makeSheet(_req: Request, res: Response, seat: Seat): Promise<void> {
    mustBeOpen(seat)
    const identity = await keyRing.recoverySheet(seat.keys)
    await parts.showPage(res, seat, 'desk/recovery-sheet', {
      identity,
      picture: encodeQR(identity, 'svg'),
      newsroom: parts.newsroom,
    })
  }

  async function refuse(
    req: Request,
    res: Response,
    seat: Seat,
    field: string,
    message: string,
  ): Promise<void> {
    res.status(422)
    await show(req, res, seat, new Failure('invalid', message, { fields: { [field]: [message] } }))
  }

  async function allow({ editor }: Seat): Promise<void> {
    if (await parts.tries.allow(`unlock ${editor.id}`, parts.now(), tries)) return
    throw new Failure('too-many', 'Five tries a minute are enough. Please wait a minute.', { retryAfter: 60 })
  }
}

function mustBeOpen({ identity }: Seat): void {
  if (identity !== undefined) return
  throw new Failure('forbidden', 'Unlock your session first: nobody gives on what they cannot open.')
}

/** The reference of a piece to go back to. */
function backIn(given: unknown): string | undefined {
  return typeof given === 'string' && /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(given) ? given : undefined
}
