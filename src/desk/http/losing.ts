import type { Request, Response } from 'express'
import { acknowledgementFor } from '../../accounts/keyring/key-holders.ts'
import type { ShowPage } from './render-page.ts'
import { formText } from './routes.ts'
import type { Seat } from './seat.ts'

type LosingHandle = (req: Request, res: Response, seat: Seat) => Promise<void>

/** What whoever sends a form has said that they would lose by it. */
export function acknowledgedIn(req: Request): string {
  return formText(req, 'losing')
}

/** Where something would be lost for good by what a form asks for, its page says what, and what has to be typed to go on. */
export function sayingWhatIsLost(showPage: ShowPage, handle: LosingHandle): LosingHandle {
  return async (req, res, seat) => {
    try {
      await handle(req, res, seat)
    } catch (error) {
      const words = acknowledgementFor(error)
      if (words === undefined || !(error instanceof Error)) throw error
      res.status(409)
      const fields = Object.entries((req.body ?? {}) as Record<string, unknown>).filter(
        ([name, value]) => name !== 'losing' && name !== 'token' && typeof value === 'string',
      )
      await showPage(res, seat, 'desk/losing', {
        action: req.originalUrl,
        fields,
        words,
        message: error.message,
        isWrong: acknowledgedIn(req) !== '',
      })
    }
  }
}
