import { z } from 'zod'
import type { Editor, Role } from '../editor.ts'
import { roles } from '../editor.ts'
import { Failure } from '../failure.ts'
import type { ShowPage } from './page.ts'
import { type DeskRoute, formText } from './routes.ts'

export type TeamParts = {
  showPage: ShowPage
  editors: {
    active(): Promise<Editor[]>
    byEmail(email: string): Promise<Editor | undefined>
    add(email: string, role: Role, now: number): Promise<Editor>
    setRole(id: string, role: Role): Promise<void>
    remove(email: string, now: number): Promise<boolean>
  }
  factors: { reset(editorId: string): Promise<void> }
  /** Puts a mail with a sign-in link into the outbox. */
  mailLink: (editorId: string) => Promise<void>
  base: string
  now: () => number
}

const Email = z
  .string()
  .trim()
  .regex(/^[^\s@<>,]+@[^\s@<>,]+$/)
  .max(254)
const RoleGiven = z.enum(roles)

/** The editors' accounts, for admins: invite, change roles, let in again, remove. */
export function teamRoutes(parts: TeamParts): DeskRoute[] {
  const { base, editors } = parts
  const done = (what: string) => `${base}/desk/team?saved=${what}`
  return [
    {
      method: 'get',
      path: '/desk/team',
      access: 'admin',
      handle: async (req, res, seat) =>
        parts.showPage(res, seat, 'desk/team', {
          team: await editors.active(),
          saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
        }),
    },
    {
      method: 'post',
      path: '/desk/team',
      access: 'admin',
      async handle(req, res, seat) {
        const email = Email.safeParse(formText(req, 'email'))
        const role = RoleGiven.catch('editor').parse(formText(req, 'role'))
        if (!email.success) {
          const failure = new Failure('invalid', 'Please give an e-mail address, like name@example.org.')
          res.status(422)
          return parts.showPage(res, seat, 'desk/team', {
            team: await editors.active(),
            failure,
            typed: formText(req, 'email'),
          })
        }
        const editor = await editors.add(email.data, role, parts.now())
        await parts.mailLink(editor.id)
        res.redirect(303, done('invited'))
      },
    },
    {
      method: 'post',
      path: '/desk/team/role',
      access: 'admin',
      async handle(req, res) {
        const editor = await named(formText(req, 'email'))
        await editors.setRole(editor.id, RoleGiven.catch(editor.role).parse(formText(req, 'role')))
        res.redirect(303, done('role'))
      },
    },
    {
      method: 'post',
      path: '/desk/team/reset',
      access: 'admin',
      async handle(req, res) {
        const editor = await named(formText(req, 'email'))
        await parts.factors.reset(editor.id)
        await parts.mailLink(editor.id)
        res.redirect(303, done('reset'))
      },
    },
    {
      method: 'post',
      path: '/desk/team/remove',
      access: 'admin',
      async handle(req, res) {
        const { email } = await named(formText(req, 'email'))
        await editors.remove(email, parts.now())
        res.redirect(303, done('removed'))
      },
    },
  ]

  async function named(email: string): Promise<Editor> {
    const editor = await editors.byEmail(email)
    if (!editor) throw new Failure('not-found', 'There is no such editor.')
    return editor
  }
}
