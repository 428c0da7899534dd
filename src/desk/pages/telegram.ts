import type { ShowPage } from '../http/render-page.ts'
import type { DeskRoute } from '../http/routes.ts'

type BotContext = {
  showPage: ShowPage
  hasToken: boolean
  /** How the webhook stood, and when that was. */
  webhook: () => { state: object; at: number } | undefined
  warnings: () => string[]
  /** Asks Telegram again. */
  refresh: () => Promise<void>
  base: string
}

/** How the Telegram bot is connected, in plain words. */
export function botRoutes(app: BotContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/telegram',
      access: 'editor',
      handle: (_req, res, seat) =>
        app.showPage(res, seat, 'desk/telegram', {
          hasToken: app.hasToken,
          webhook: app.webhook(),
          warnings: app.warnings(),
        }),
    },
    {
      method: 'post',
      path: '/desk/telegram',
      access: 'editor',
      async handle(_req, res) {
        await app.refresh()
        res.redirect(303, `${app.base}/desk/telegram`)
      },
    },
  ]
}
