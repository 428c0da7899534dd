import type { Response } from 'express'
import { type ApiToken, hashToken, newToken, tokenRules, usualHourlyLimit } from '../../accounts/api-token.ts'
import type { ApiTokenStore } from '../../accounts/api-token-store.ts'
import { Failure, type FieldErrors } from '../../core/errors.ts'
import { eventBy } from '../http/event-by.ts'
import type { ShowPage } from '../http/render-page.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

type ApiTokenContext = {
  showPage: ShowPage
  apiTokens: ApiTokenStore
  /** The hosts that answers may be posted to. */
  webhookHosts: string[]
  webhookSecretOf: (token: ApiToken) => string
  base: string
  now: () => number
}

/** The tokens by which other bots come in, for admins: made, shown once, revoked. */
export function apiTokenRoutes(app: ApiTokenContext): DeskRoute[] {
  const { apiTokens, base } = app
  return [
    {
      method: 'get',
      path: '/desk/api-tokens',
      access: 'admin',
      handle: (req, res, seat) => show(res, seat, { revoked: req.query.saved === 'revoked' }),
    },
    {
      method: 'post',
      path: '/desk/api-tokens',
      access: 'admin',
      confirm: 'person',
      async handle(req, res, seat) {
        const typed = {
          name: formText(req, 'name'),
          hourlyLimit: formText(req, 'hourlyLimit'),
          hookUrl: formText(req, 'hookUrl'),
        }
        const parsed = tokenRules(app.webhookHosts).safeParse(typed)
        if (!parsed.success) {
          res.status(422)
          return show(res, seat, { typed, errors: parsed.error.flatten().fieldErrors as FieldErrors })
        }
        const token = newToken()
        try {
          const noted = { event: eventBy(seat, 'token-added'), at: app.now() }
          const made = await apiTokens.add({ ...parsed.data, tokenHash: hashToken(token) }, noted.at, noted)
          await show(res, seat, {
            made: { ...made, token, secret: made.hookUrl && app.webhookSecretOf(made) },
          })
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          res.status(409)
          await show(res, seat, { typed, errors: { name: [error.message] } })
        }
      },
    },
    {
      method: 'post',
      path: '/desk/api-tokens/revoke',
      access: 'admin',
      confirm: 'person',
      async handle(req, res, seat) {
        const noted = { event: eventBy(seat, 'token-revoked'), at: app.now() }
        const isRevoked = await apiTokens.revoke(formText(req, 'name'), noted.at, noted)
        if (!isRevoked) throw new Failure('not-found', 'There is no such token.')
        res.redirect(303, `${base}/desk/api-tokens?saved=revoked`)
      },
    },
  ]

  async function show(res: Response, seat: Seat, more: Record<string, unknown>): Promise<void> {
    await app.showPage(res, seat, 'desk/api-tokens', {
      tokens: await apiTokens.active(),
      hosts: app.webhookHosts,
      usualHourlyLimit,
      ...more,
    })
  }
}
