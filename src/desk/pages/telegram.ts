import type { ShowPage } from '../http/render-page.ts'
import type { DeskRoute } from '../http/routes.ts'

type TelegramPageContext = {
  showPage: ShowPage
  hasBot: boolean
  /** How the webhook stood, and when that was. */
  webhook: () => { state: object; at: number } | undefined
  telegramWarnings: () => string[]
  /** Asks Telegram again. */
  refreshTelegram: () => Promise<void>
  base: string
}

/** How the Telegram bot is connected, in plain words. */
export function botRoutes(app: TelegramPageContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/telegram',
      access: 'editor',
      handle: (_req, res, seat) =>
        app.showPage(res, seat, 'desk/telegram', {
          hasToken: app.hasBot,
          webhook: app.webhook(),
          warnings: app.telegramWarnings(),
        }),
    },
    {
      method: 'post',
      path: '/desk/telegram',
      access: 'editor',
      async handle(_req, res) {
        await app.refreshTelegram()
        res.redirect(303, `${app.base}/desk/telegram`)
      },
    },
  ]
}
