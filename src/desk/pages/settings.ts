import type { Request, Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import {
  fill,
  type Letter,
  type LetterName,
  letterNames,
  letters,
  parseLetter,
  placeholders,
  type Values,
  type Versioned,
} from '../../editorial/letter-templates.ts'
import type { SettingStore } from '../../editorial/settings-store.ts'
import { RetentionRules } from '../../submissions/retention-rules.ts'
import { eventBy } from '../http/event-by.ts'
import type { ShowPage } from '../http/render-page.ts'
import { chosen, type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

type SettingsContext = {
  showPage: ShowPage
  settings: SettingStore
  newsroom: string
  base: string
  now: () => number
}

const Name = z.enum(letters)
const Hours = z.coerce.number().int().min(0).max(1000)

/** An hour at most: whoever waits for an answer should not wait for us. */
const Wait = z.coerce.number().int().min(0).max(3600)
const Revision = z.coerce.number().int().min(0).max(1_000_000_000)

/**
 * What the newsroom has chosen: the wording of its letters, when an unclaimed submission is brought to the admins, how long
 * replies by mail wait, and what encrypted mail may carry.
 */
export function settingsRoutes(app: SettingsContext): DeskRoute[] {
  const { settings, base } = app
  return [
    {
      method: 'get',
      path: '/desk/settings',
      access: 'admin',
      handle: (req, res, seat) => show(req, res, seat),
    },
    {
      method: 'post',
      path: '/desk/settings/escalation',
      access: 'admin',
      confirm: 'person',
      handle: saveEscalation,
    },
    {
      method: 'post',
      path: '/desk/settings/retention',
      access: 'admin',
      confirm: 'person',
      handle: saveRetention,
    },
    {
      method: 'post',
      path: '/desk/settings/reply-wait',
      access: 'admin',
      confirm: 'person',
      handle: saveReplyWait,
    },
    {
      method: 'post',
      path: '/desk/settings/confidential-by-mail',
      access: 'admin',
      confirm: 'keys',
      async handle(req, res, seat) {
        const revision = chosen(Revision, formText(req, 'revision'))
        const may = formText(req, 'may') === 'yes'
        const event = eventBy(seat, 'confidential-by-mail', { detail: may ? 'on' : 'off' })
        await settings.saveConfidentialByMail(may, revision, app.now(), event)
        res.redirect(303, `${base}/desk/settings?saved=confidential-by-mail`)
      },
    },
    {
      method: 'get',
      path: '/desk/settings/letters/:name',
      access: 'admin',
      async handle(req, res, seat) {
        const name = chosen(Name, String(req.params.name))
        const kept = await settings.letter(name)
        await letterPage(res, seat, name, { given: kept.value, revision: kept.revision })
      },
    },
    {
      method: 'post',
      path: '/desk/settings/letters/:name',
      access: 'admin',
      confirm: 'person',
      handle: saveLetter,
    },
  ]

  async function show(
    req: Request,
    res: Response,
    seat: Seat,
    refused: {
      failure?: Failure
      typedHours?: string
      retentionFailure?: Failure
      waitFailure?: Failure
      typedWait?: string
      typed?: Record<string, string>
    } = {},
  ): Promise<void> {
    await app.showPage(res, seat, 'desk/settings', {
      letters: await settings.letters(),
      letterNames,
      escalation: await settings.escalationHours(),
      retention: await settings.retention(),
      replyWait: await settings.replyWait(),
      confidentialByMail: await settings.confidentialByMail(),
      saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
      ...refused,
    })
  }

  async function saveEscalation(req: Request, res: Response, seat: Seat): Promise<void> {
    const hours = Hours.safeParse(formText(req, 'hours') || undefined)
    if (!hours.success) {
      res.status(422)
      const failure = new Failure('invalid', 'Please give a number of hours, or 0 for never.')
      return show(req, res, seat, { failure, typedHours: formText(req, 'hours') })
    }
    await settings.saveEscalationHours(
      hours.data,
      chosen(Revision, formText(req, 'revision')),
      app.now(),
      eventBy(seat, 'setting', { detail: `escalation ${hours.data}` }),
    )
    res.redirect(303, `${base}/desk/settings?saved=escalation`)
  }

  async function saveReplyWait(req: Request, res: Response, seat: Seat): Promise<void> {
    const seconds = Wait.safeParse(formText(req, 'seconds') || undefined)
    if (!seconds.success) {
      res.status(422)
      const waitFailure = new Failure('invalid', 'Enter a number of seconds, from 0 to 3,600.')
      return show(req, res, seat, { waitFailure, typedWait: formText(req, 'seconds') })
    }
    await settings.saveReplyWait(
      seconds.data,
      chosen(Revision, formText(req, 'revision')),
      app.now(),
      eventBy(seat, 'setting', { detail: `reply-wait ${seconds.data}` }),
    )
    res.redirect(303, `${base}/desk/settings?saved=reply-wait`)
  }

  async function saveRetention(req: Request, res: Response, seat: Seat): Promise<void> {
    const names = Object.keys(RetentionRules.shape)
    const typed = Object.fromEntries(names.map((name) => [name, formText(req, name)]))
    const given = Object.entries(typed).map(([name, days]) => [name, days || undefined])
    const rules = RetentionRules.safeParse(Object.fromEntries(given))
    if (!rules.success) {
      res.status(422)
      const retentionFailure = new Failure(
        'invalid',
        'Please give numbers of days: 0 for as long as nobody erases it, or at least 8, for editors are told a week ahead.',
      )
      return show(req, res, seat, { retentionFailure, typed })
    }
    await settings.saveRetention(
      rules.data,
      chosen(Revision, formText(req, 'revision')),
      app.now(),
      eventBy(seat, 'setting', { detail: 'retention' }),
    )
    res.redirect(303, `${base}/desk/settings?saved=retention`)
  }

  async function saveLetter(req: Request, res: Response, seat: Seat): Promise<void> {
    const name = chosen(Name, String(req.params.name))
    const given = {
      subject: formText(req, 'subject'),
      body: formText(req, 'body'),
      isOn: formText(req, 'isOn') === 'yes',
    }
    const revision = chosen(Revision, formText(req, 'revision'))
    try {
      await settings.saveLetter(
        name,
        parseLetter(given),
        revision,
        app.now(),
        eventBy(seat, 'setting', { detail: `letter ${name}` }),
      )
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      res.status(error.code === 'conflict' ? 409 : 422)
      // Whoever lost the race sees both wordings, and saves on top of the other one if they still want to.
      const theirs = error.code === 'conflict' ? await settings.letter(name) : undefined
      return letterPage(res, seat, name, {
        given,
        revision: theirs?.revision ?? revision,
        theirs,
        failure: error,
      })
    }
    res.redirect(303, `${base}/desk/settings?saved=${name}`)
  }

  async function letterPage(
    res: Response,
    seat: Seat,
    name: LetterName,
    shown: { given: Letter; revision: number; theirs?: Versioned<Letter> | undefined; failure?: Failure },
  ): Promise<void> {
    const example: Values = {
      name: 'Amina',
      title: 'Why our town needs its river back',
      reference: 'K7M2-9QF4',
      newsroom: app.newsroom,
    }
    const { subject, body } = shown.given
    await app.showPage(res, seat, 'desk/letter-setting', {
      ...shown,
      name,
      letterName: letterNames[name],
      placeholders,
      example: { subject: fill(subject, example), body: fill(body, example) },
    })
  }
}
