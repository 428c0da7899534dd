import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Editor } from '../../accounts/editor.ts'
import type { EditorStore } from '../../accounts/editor-store.ts'
import type { NewHolder } from '../../accounts/keyring/key-holders.ts'
import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import type { WrapStep } from '../../accounts/sign-in-link.ts'
import type { SecurityEvent } from '../../audit/security-event.ts'
import { Failure } from '../../core/errors.ts'
import { type Role, roles } from '../../db/values.ts'
import type { Identity, Keys } from '../../encryption/types.ts'
import type { NewJob } from '../../jobs/job.ts'
import { type PgpStanding, standingOf } from '../../outbound-mail/pgp/key.ts'
import type { PgpKeyStore } from '../../outbound-mail/pgp/key-store.ts'
import { eventBy } from '../http/event-by.ts'
import { acknowledgedIn, sayingWhatIsLost } from '../http/losing.ts'
import type { ShowPage } from '../http/render-page.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

export type TeamContext = {
  showPage: ShowPage
  editors: EditorStore
  pgpKeys: Pick<PgpKeyStore, 'all' | 'remove'>
  /** Who can open what. */
  keyRing: Pick<KeyRing, 'together'>
  /** Goes on with re-encryption what these keys open. */
  reEncrypt: (keys: Keys) => Promise<void>
  /** Has an editor sent a link that bears this identity; gives the link where no mail goes out. */
  sendKeyLink: (step: TeamStep, editorId: string, identity: Identity) => Promise<string | undefined>
  base: string
  now: () => number
}

/** One step that moves keys and accounts: all of it is written, or nothing. */
type TeamStep = WrapStep & {
  admit(editorId: string, opened: Identity[]): Promise<NewHolder>
  forget(editorId: string): Promise<void>
  expel(editorId: string): Promise<void>
  accounts: {
    addEditor(email: string, role: Role, now: number): Promise<Editor>
    removeEditor(id: string, now: number): Promise<void>
    resetFactors(editorId: string): Promise<void>
    post(job: NewJob, now: number): Promise<void>
    note(event: SecurityEvent, now: number): Promise<void>
  }
}

const Email = z
  .string()
  .trim()
  .regex(/^[^\s@<>,]+@[^\s@<>,]+$/)
  .max(254)
const RoleGiven = z.enum(roles)

/** The editors' accounts, for admins: invite, change roles, let in again, remove. */
export function teamRoutes(app: TeamContext): DeskRoute[] {
  const { base, editors } = app
  const done = (what: string) => `${base}/desk/team?saved=${what}`
  return [
    {
      method: 'get',
      path: '/desk/team',
      access: 'admin',
      handle: async (req, res, seat) =>
        app.showPage(res, seat, 'desk/team', {
          team: await team(),
          saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
        }),
    },
    {
      method: 'post',
      path: '/desk/team',
      access: 'admin',
      confirm: 'keys',
      async handle(req, res, seat) {
        const email = Email.safeParse(formText(req, 'email'))
        const role = RoleGiven.catch('editor').parse(formText(req, 'role'))
        if (!email.success) {
          const failure = new Failure('invalid', 'Please give an e-mail address, like name@example.org.')
          res.status(422)
          return app.showPage(res, seat, 'desk/team', {
            team: await team(),
            failure,
            typed: formText(req, 'email'),
          })
        }
        const there = await editors.byEmail(email.data)
        if (there) return res.redirect(303, done('there'))
        const opened = await seat.keys()
        const link = await app.keyRing.together(async (step) => {
          const editor = await step.accounts.addEditor(email.data, role, app.now())
          return invite(step, editor, opened, eventBy(seat, 'invited', { aboutId: editor.id, detail: role }))
        })
        await showInvited(res, seat, link, 'invited')
      },
    },
    {
      method: 'post',
      path: '/desk/team/role',
      access: 'admin',
      confirm: 'keys',
      async handle(req, res, seat) {
        const editor = await named(formText(req, 'email'))
        const role = RoleGiven.catch(editor.role).parse(formText(req, 'role'))
        const event = eventBy(seat, 'role', { aboutId: editor.id, detail: role })
        await editors.setRole(editor.id, role, { event, at: app.now() })
        res.redirect(303, done('role'))
      },
    },
    {
      method: 'post',
      path: '/desk/team/reset',
      access: 'admin',
      confirm: 'keys',
      handle: sayingWhatIsLost(app.showPage, async (req, res, seat) => {
        const editor = await named(formText(req, 'email'))
        const opened = await seat.keys()
        const link = await app.keyRing.together(async (step) => {
          await step.accounts.resetFactors(editor.id)
          await step.forget(editor.id)
          return invite(step, editor, opened, eventBy(seat, 'reset', { aboutId: editor.id }))
        }, acknowledgedIn(req))
        await showInvited(res, seat, link, 'reset')
      }),
    },
    {
      method: 'post',
      path: '/desk/team/pgp-key/remove',
      access: 'admin',
      confirm: 'person',
      async handle(req, res, seat) {
        const { id } = await named(formText(req, 'email'))
        const event = eventBy(seat, 'pgp-key-removed', { aboutId: id })
        await app.pgpKeys.remove(id, { event, at: app.now() })
        res.redirect(303, done('pgp-key'))
      },
    },
    {
      method: 'post',
      path: '/desk/team/remove',
      access: 'admin',
      confirm: 'keys',
      handle: sayingWhatIsLost(app.showPage, remove),
    },
  ]

  async function remove(req: Request, res: Response, seat: Seat): Promise<void> {
    const { id } = await named(formText(req, 'email'))
    await app.keyRing.together(async (step) => {
      await step.accounts.removeEditor(id, app.now())
      await step.expel(id)
      await step.accounts.note(eventBy(seat, 'removed', { aboutId: id }), app.now())
    }, acknowledgedIn(req))
    await app.reEncrypt(seat.keys)
    res.redirect(303, done('removed'))
  }

  /** Everybody, with how their PGP key stands where they have one. */
  async function team(): Promise<(Editor & { pgp: PgpStanding | undefined })[]> {
    const keys = await app.pgpKeys.all()
    return (await editors.active()).map((editor) => {
      const key = keys.get(editor.id)
      return { ...editor, pgp: key && standingOf(key, app.now()) }
    })
  }

  /** Lets an editor into all that the one who invites can open, by a link that is theirs to use. */
  async function invite(
    step: TeamStep,
    { id }: Editor,
    opened: Identity[],
    event: SecurityEvent,
  ): Promise<string | undefined> {
    const { identity } = await step.admit(id, opened)
    const link = await app.sendKeyLink(step, id, identity)
    await step.accounts.note(event, app.now())
    return link
  }

  async function showInvited(
    res: Response,
    seat: Seat,
    link: string | undefined,
    what: string,
  ): Promise<void> {
    if (link === undefined) return res.redirect(303, done(what))
    await app.showPage(res, seat, 'desk/team', { team: await team(), saved: what, link })
  }

  async function named(email: string): Promise<Editor> {
    const editor = await editors.byEmail(email)
    if (!editor) throw new Failure('not-found', 'There is no such editor.')
    return editor
  }
}
