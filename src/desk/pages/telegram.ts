import type { ShowPage } from '../http/render-page.ts'
import type { DeskRoute } from '../http/routes.ts'

export type BotParts = {
  showPage: ShowPage
  hasToken: boolean
  /** How the webhook stood, and when that was. */
  webhook: () => { state: object; at: number } | undefined
  troubles: () => string[]
  /** Asks Telegram again. */
  refresh: () => Promise<void>
  base: string
}

/** How the Telegram bot is connected, in plain words. */
export function botRoutes(parts: BotParts): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/telegram',
      access: 'editor',
      handle: (_req, res, seat) =>
        parts.showPage(res, seat, 'desk/telegram', {
          hasToken: parts.hasToken,
          webhook: parts.webhook(),
          troubles: parts.troubles(),
        }),
    },
    {
      method: 'post',
      path: '/desk/telegram',
      access: 'editor',
      async handle(_req, res) {
        await parts.refresh()
        res.redirect(303, `${parts.base}/desk/telegram`)
      },
    },
  ]
}
