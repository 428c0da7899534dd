import { missingPrograms, type Programs } from '../../files/metadata/types.ts'
import type { DeadLetterStore } from '../../submissions/dead-letter-store.ts'
import type { ShowPage } from '../http/render-page.ts'
import type { DeskRoute } from '../http/routes.ts'

type FurtherContext = {
  showPage: ShowPage
  deadLetters: Pick<DeadLetterStore, 'latest'>
  /** Which programs there are to clean files with. */
  programs: () => Promise<Programs>
  metrics: () => Promise<{ type: string; text: string }>
}

const shown = 50

/** What else is looked at by editors only: what could not be read, and the figures. */
export function furtherRoutes(app: FurtherContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/unread',
      access: 'editor',
      handle: async (_req, res, seat) =>
        app.showPage(res, seat, 'desk/dead-letters', {
          deadLetters: await app.deadLetters.latest(shown, seat.keys),
        }),
    },
    {
      method: 'get',
      path: '/desk/help',
      access: 'editor',
      handle: async (_req, res, seat) =>
        app.showPage(res, seat, 'desk/help', { missing: missingPrograms(await app.programs()) }),
    },
    // A browser sends the cookie of a session no further than the desk, where the host is shared.
    ...(['/metrics', '/desk/metrics'] as const).map(
      (path): DeskRoute => ({
        method: 'get',
        path,
        access: 'editor',
        async handle(_req, res) {
          const { type, text } = await app.metrics()
          res.set('content-type', type).send(text)
        },
      }),
    ),
  ]
}
