import type { Response } from 'express'
import type { Seat } from './routes.ts'

export type PageParts = {
  render: (view: string, data?: Record<string, unknown>) => string
  deliveries: { trouble(most: number): Promise<{ failed: number; troubled: number }> }
  /** What is wrong with the bot, in plain words. */
  botTroubles: () => string[]
  /** What is wrong with the door for mail, in plain words. */
  mailTroubles: () => string[]
  now: () => number
}

/** Counted no further: beyond this it is many. */
const mostCounted = 100

/** Shows a page of the desk, with what every one of them tells: who is signed in, and whether mail has been failing. */
export type ShowPage = (
  res: Response,
  seat: Seat,
  view: string,
  data?: Record<string, unknown>,
) => Promise<void>

export function pageShower(parts: PageParts): ShowPage {
  return async (res, { editor, formToken }, view, data = {}) => {
    const trouble = await parts.deliveries.trouble(mostCounted)
    const now = parts.now()
    const troubles = { botTroubles: parts.botTroubles(), mailTroubles: parts.mailTroubles() }
    res.type('html').send(parts.render(view, { editor, formToken, trouble, ...troubles, now, ...data }))
  }
}
