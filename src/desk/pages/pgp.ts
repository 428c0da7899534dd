import type { Request, Response } from 'express'
import type { SecurityEvent } from '../../audit/security-event.ts'
import { Failure } from '../../core/errors.ts'
import { standingOf } from '../../outbound-mail/pgp/key.ts'
import type { PgpKeyStore } from '../../outbound-mail/pgp/key-store.ts'
import { eventBy } from '../http/event-by.ts'
import type { ShowPage } from '../http/render-page.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

type PgpContext = {
  showPage: ShowPage
  pgpKeys: Pick<PgpKeyStore, 'of' | 'remove'>
  /** Keeps the key that an editor gave. @throws Failure `invalid` */
  givePgpKey: (editorId: string, given: Uint8Array, event: SecurityEvent) => Promise<void>
  /** Asks the editor's domain for it. @throws Failure `invalid` */
  lookUpPgpKey: (editorId: string, address: string, event: SecurityEvent) => Promise<void>
  newsroomKey: () => Promise<{ armored: string; fingerprint: string }>
  base: string
  now: () => number
}

/** The key that mail to an editor is encrypted for: they give it, have it looked up, or take it away. */
export function pgpRoutes(app: PgpContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/account/pgp',
      access: 'editor',
      handle: (req, res, seat) => show(req, res, seat),
    },
    {
      method: 'post',
      path: '/desk/account/pgp',
      access: 'editor',
      confirm: 'keys',
      takesFile: true,
      handle: saving('given', (req, seat) =>
        app.givePgpKey(seat.editor.id, keyIn(req), eventBy(seat, 'pgp-key')),
      ),
    },
    {
      method: 'post',
      path: '/desk/account/pgp/look-up',
      access: 'editor',
      confirm: 'keys',
      handle: saving('found', (_req, seat) =>
        app.lookUpPgpKey(seat.editor.id, seat.editor.email, eventBy(seat, 'pgp-key')),
      ),
    },
    {
      method: 'post',
      path: '/desk/account/pgp/remove',
      access: 'editor',
      confirm: 'person',
      handle: saving('removed', (_req, seat) =>
        app.pgpKeys.remove(seat.editor.id, { event: eventBy(seat, 'pgp-key-removed'), at: app.now() }),
      ),
    },
    {
      method: 'get',
      path: '/desk/newsroom-key.asc',
      access: 'editor',
      async handle(_req, res) {
        const { armored } = await app.newsroomKey()
        res.attachment('newsroom-key.asc').type('application/pgp-keys').send(Buffer.from(armored))
      },
    },
  ]

  async function show(
    req: Request,
    res: Response,
    seat: Seat,
    failed?: { what: string; failure: Failure },
  ): Promise<void> {
    const key = await app.pgpKeys.of(seat.editor.id)
    await app.showPage(res, seat, 'desk/pgp', {
      key,
      standing: key && standingOf(key, app.now()),
      newsroomFingerprint: (await app.newsroomKey()).fingerprint,
      saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
      failure: failed?.failure,
      failedIn: failed?.what,
    })
  }

  /** Does it and goes back to the page; a fault is shown there beside its field. */
  function saving(what: string, save: (req: Request, seat: Seat) => Promise<void>) {
    return async (req: Request, res: Response, seat: Seat) => {
      try {
        await save(req, seat)
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'invalid') throw error
        res.status(422)
        return show(req, res, seat, { what, failure: error })
      }
      res.redirect(303, `${app.base}/desk/account/pgp?saved=${what}`)
    }
  }
}

/** What was pasted, or else the file that was chosen. */
function keyIn(req: Request): Uint8Array {
  const pasted = formText(req, 'key').trim()
  const file: unknown = req.body?.file
  return pasted === '' && Buffer.isBuffer(file) ? file : Buffer.from(pasted)
}
