import type { Request, Response } from 'express'
import encodeQR from 'qr'
import type { EditorStore } from '../../accounts/editor-store.ts'
import type { FactorStore } from '../../accounts/factor-store.ts'
import { ownPassphraseWrap, passphraseWrap, requestCode } from '../../accounts/keyring/key-holders.ts'
import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import type { LoginAttemptStore } from '../../accounts/login-attempt-store.ts'
import { openPassphrase } from '../../accounts/passphrase.ts'
import { passkeySalt } from '../../accounts/webauthn.ts'
import type { SecurityEvent } from '../../audit/security-event.ts'
import type { ReEncryption } from '../../confidentiality/re-encryption.ts'
import { Failure } from '../../core/errors.ts'
import type { Identity } from '../../encryption/types.ts'
import { eventBy } from '../http/event-by.ts'
import { acknowledgedIn, sayingWhatIsLost } from '../http/losing.ts'
import type { AskedPasskeys } from '../http/passkey-challenge.ts'
import type { ShowPage } from '../http/render-page.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import type { Sessions } from '../http/session.ts'
import { isTrusted } from '../http/trusted.ts'

type KeyContext = {
  showPage: ShowPage
  editors: Pick<EditorStore, 'team' | 'byEmail'>
  /** Whose request a link speaks of; undefined for a link that is not ours, or too old. */
  requestOfLink: (token: string) => string | undefined
  renderPublic: (view: string, data?: Record<string, unknown>) => string
  isOffline: boolean
  sessions: Sessions
  factors: Pick<FactorStore, 'passphrase'>
  askedPasskeys: AskedPasskeys
  attempts: Pick<LoginAttemptStore, 'allow'>
  keyRing: KeyRing
  reEncryption: Pick<ReEncryption, 'progress' | 'begin'>
  newsroom: string
  base: string
  now: () => number
}

const attempts = { most: 5, span: 60_000 }

/** Who can open what is encrypted: unlocking one's own session, letting a colleague in, the recovery sheet. */
export function keyRoutes(app: KeyContext): DeskRoute[] {
  const { base, askedPasskeys, keyRing, sessions } = app
  return [
    { method: 'get', path: '/desk/keys', access: 'editor', handle: (req, res, seat) => show(req, res, seat) },
    { method: 'post', path: '/desk/keys/unlock', access: 'editor', handle: unlock },
    { method: 'post', path: '/desk/keys/passkey', access: 'editor', handle: usePasskey },
    { method: 'post', path: '/desk/keys/sheet', access: 'editor', handle: useSheet },
    { method: 'post', path: '/desk/keys/let-in', access: 'editor', confirm: 'keys', handle: letIn },
    { method: 'post', path: '/desk/keys/begin-anew', access: 'editor', handle: startOver },
    { method: 'post', path: '/desk/keys/stop', access: 'editor', confirm: 'keys', handle: stop },
    { method: 'get', path: '/desk/keys/requests/:link', access: 'anyone', handle: showRequest },
    { method: 'post', path: '/desk/keys/requests/:link', access: 'anyone', handle: stopByLink },
    { method: 'post', path: '/desk/keys/former', access: 'editor', confirm: 'keys', handle: openFormer },
    {
      method: 'post',
      path: '/desk/keys/give-up',
      access: 'editor',
      confirm: 'keys',
      handle: sayingWhatIsLost(app.showPage, giveUp),
    },
    {
      method: 'post',
      path: '/desk/keys/recovery',
      access: 'admin',
      confirm: 'keys',
      handle: sayingWhatIsLost(app.showPage, makeSheet),
    },
  ]

  async function show(req: Request, res: Response, seat: Seat, failure?: Failure): Promise<void> {
    const { editors, waiting, withLinkOnly, hasSheet, isSheetFull } = await keyRing.standing()
    const { id } = seat.editor
    const request = await keyRing.requestOf(id)
    const isLocked = !(await isTrusted(seat, app))
    await app.showPage(res, seat, 'desk/keys', {
      reEncryption: await app.reEncryption.progress(),
      isLocked,
      passkey: isLocked ? await askedPasskeys.askToOpen(req, seat.editor, seat.sessionHash) : undefined,
      salt: passkeySalt,
      hasPassphrase: (await app.factors.passphrase(seat.editor.id)) !== undefined,
      team: (await app.editors.team()).map((one) => ({
        ...one,
        isIn: editors.get(one.id) === true,
        waiting: waiting.get(one.id),
        hasSetUp: withLinkOnly.has(one.id) === false,
      })),
      request: request && { ...request, code: requestCode(request.id) },
      encrypted: request && (await keyRing.countEncrypted()),
      hasFormer: !isLocked && (await keyRing.formerOf(id)).length > 0,
      isSheetFull,
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
    const secret = await openPassphrase(formText(req, 'passphrase'), await app.factors.passphrase(id))
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
    await sessions.open(req, await sessions.confirm(seat), identity)
    const back = backIn(formText(req, 'back'))
    res.redirect(303, back ? `${base}/desk/submissions/${back}` : `${base}/desk/keys?saved=unlocked`)
  }

  /**
   * Whoever holds the sheet is let in by it, as a colleague would. One that no longer counts, and is kept because
   * nothing else opens what it does, lets nobody in: it opens that for somebody who is in.
   */
  async function useSheet(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const typed = formText(req, 'sheet').replace(/\s+/g, '').toUpperCase()
    const isIdentity = /^AGE-SECRET-KEY-1[\dA-Z]{58}$/.test(typed)
    const standing = isIdentity ? await keyRing.sheetStanding(typed).catch(() => undefined) : undefined
    const opened = standing ? await keyRing.keysOf(typed)() : []
    const letsIn = standing === 'in' || (await isTrusted(seat, app))
    if (opened.length === 0 || !letsIn)
      return refuse(req, res, seat, 'sheet', 'This is not what is printed on the current recovery sheet.')
    const holder = await keyRing.together(async (step) => {
      const made = standing === 'in' ? await step.admit(seat.editor.id, opened) : undefined
      if (!made) await step.share(seat.editor.id, opened)
      await step.accounts.note(eventBy(seat, 'sheet-used'), app.now())
      return made
    })
    if (!holder) return res.redirect(303, `${base}/desk/keys?saved=former`)
    await sessions.open(req, await sessions.confirm(seat), holder.identity)
    res.redirect(303, `${base}/desk/account?saved=let-in#passphrase`)
  }

  async function letIn(req: Request, res: Response, seat: Seat): Promise<void> {
    const colleague = await app.editors.byEmail(formText(req, 'email'))
    if (!colleague) throw new Failure('not-found', 'There is no such editor.')
    const opened = await seat.keys()
    const request = formText(req, 'request') || undefined
    const granting = keyRing.together(async (step) => {
      await step.letIn(colleague.id, opened, { request, code: formText(req, 'code') })
      await step.accounts.note(eventBy(seat, 'let-in', { aboutId: colleague.id }), app.now())
    })
    const failure = await granting.then(() => undefined, wrongField)
    if (failure) {
      res.status(422)
      return show(req, res, seat, failure)
    }
    res.redirect(303, `${base}/desk/keys?saved=let-in`)
  }

  /** Whoever asked a day ago, and has no colleague who could let them in, goes on with what comes from now on. */
  async function startOver(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const { id } = seat.editor
    const request = await keyRing.requestOf(id)
    if (!request) throw new Failure('conflict', 'No request is waiting.')
    const secret = await openPassphrase(formText(req, 'passphrase'), request.passphrase)
    const identity = secret && (await keyRing.unwrap(ownPassphraseWrap(request.id), secret))
    if (!identity)
      return refuse(req, res, seat, 'anew', 'That is not the passphrase you chose for this request.')
    await keyRing.together(async (step) => {
      await step.startOver(id, identity, seat.sessionHash)
      await step.accounts.note(eventBy(seat, 'began-anew'), app.now())
    })
    await sessions.open(req, await sessions.confirm(seat), identity)
    res.redirect(303, `${base}/desk/keys?saved=began-anew`)
  }

  /** A request that is one's own, or a colleague's. */
  async function stop(req: Request, res: Response, seat: Seat): Promise<void> {
    const editor = await app.editors.byEmail(formText(req, 'email') || seat.editor.email)
    if (!editor) throw new Failure('not-found', 'There is no such editor.')
    await end(editor.id, eventBy(seat, 'stopped', { aboutId: editor.id }))
    res.redirect(303, `${base}/desk/keys?saved=stopped`)
  }

  /** Whoever reads the mail that tells of a request may end it without signing in. To open the link does nothing. */
  async function showRequest(req: Request, res: Response): Promise<void> {
    const link = String(req.params.link)
    const editorId = await editorByLink(link)
    res.type('html').send(app.renderPublic('desk/request', { link, isWaiting: editorId !== undefined }))
  }

  async function stopByLink(req: Request, res: Response): Promise<void> {
    const link = String(req.params.link)
    const editorId = await editorByLink(link)
    if (editorId !== undefined) await end(editorId, { action: 'stopped', editorId: null, aboutId: editorId })
    res.redirect(303, `${base}/desk/keys/requests/${link}`)
  }

  /** @throws Failure `not-found` for a link that is not ours */
  async function editorByLink(link: string): Promise<string | undefined> {
    const request = app.requestOfLink(link)
    if (request === undefined) throw new Failure('not-found', 'This link is not valid any more.')
    return keyRing.editorOfRequest(request)
  }

  async function end(editorId: string, event: SecurityEvent): Promise<void> {
    await keyRing.together(async (step) => {
      if (await step.stopAsking(editorId)) await step.accounts.note(event, app.now())
    })
  }

  /** An earlier passphrase that has come back to mind opens what it did, for what one holds now. */
  async function openFormer(req: Request, res: Response, seat: Seat): Promise<void> {
    await allow(seat)
    const { id } = seat.editor
    const open = (hash: string) => openPassphrase(formText(req, 'passphrase'), hash)
    const identity = await keyRing.openFormer(id, open)
    if (!identity) return refuse(req, res, seat, 'former', 'That is not your earlier passphrase.')
    const opened = await keyRing.keysOf(identity)()
    await keyRing.together((step) => step.share(id, opened))
    await app.reEncryption.begin(async () => opened)
    res.redirect(303, `${base}/desk/keys?saved=former`)
  }

  async function giveUp(req: Request, res: Response, seat: Seat): Promise<void> {
    await keyRing.together(async (step) => {
      await step.giveUpFormer(seat.editor.id)
      await step.accounts.note(eventBy(seat, 'gave-up'), app.now())
    }, acknowledgedIn(req))
    res.redirect(303, `${base}/desk/keys?saved=gave-up`)
  }

  /**
   * The one before opens nothing any more, which has to be said.
   * @throws Failure `invalid` where it is not
   */
  async function makeSheet(req: Request, res: Response, seat: Seat): Promise<void> {
    const { hasSheet } = await keyRing.standing()
    if (hasSheet && formText(req, 'replace') !== 'yes')
      return refuse(req, res, seat, 'replace', 'Say that the sheet in the safe may stop working.')
    const opened = await seat.keys()
    const { identity, isFull } = await keyRing.together(async (step) => {
      const made = await step.recoverySheet(opened)
      const all = await step.accounts.count()
      await step.accounts.note(eventBy(seat, 'sheet-made'), app.now())
      return { identity: made, isFull: opened.length >= all }
    }, acknowledgedIn(req))
    await app.showPage(res, seat, 'desk/recovery-sheet', {
      identity,
      isFull,
      picture: encodeQR(identity, 'svg'),
      newsroom: app.newsroom,
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
    if (await app.attempts.allow(`unlock ${editor.id}`, app.now(), attempts)) return
    throw new Failure('too-many', 'Too many attempts. Wait a minute.', { retryAfter: 60 })
  }
}

/** The reference of a submission to go back to. */
function backIn(given: unknown): string | undefined {
  return typeof given === 'string' && /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(given) ? given : undefined
}

/** What is wrong with what was typed, to be shown beside it. @throws everything else */
function wrongField(error: unknown): Failure {
  if (error instanceof Failure && error.code === 'invalid') return error
  throw error
}
