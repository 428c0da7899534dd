import type { Request, Response } from 'express'
import { z } from 'zod'
import { nameFrom } from '../../accounts/editor.ts'
import { Failure } from '../../core/errors.ts'
import {
  type ActionContext,
  answer,
  both,
  type ChangeOf,
  decide,
  type Wording,
} from '../../editorial/actions.ts'
import { type Decision, decisions, fill, valuesFor } from '../../editorial/letter-templates.ts'
import { contactOf, replyChannels } from '../../submissions/contact.ts'
import type { Message, Submission } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import { chosen, type DeskRoute, formText, type SentFiles } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionRoute, actionsOf, openingOf } from './action-route.ts'

export const DecisionGiven = z.enum(decisions)

/** How the submission was when the editor read it: its revision, and the last message. */
type Seen = { revision?: number | undefined; seen?: string | undefined }
const SeenGiven = z.object({
  revision: z.coerce.number().int().positive().optional().catch(undefined),
  seen: z.uuid().optional().catch(undefined),
})

/** Deciding on a submission, with its letter, and answering its sender. */
export function decideRoutes(app: DeskContext): DeskRoute[] {
  const { submissionOf, seenSubmission, actionContextOf, apply, orConflict, orBack, goOn, backTo, onwards } =
    actionsOf(app)
  const written = writer(app)
  return [
    {
      method: 'get',
      path: '/desk/submissions/:reference/letter/:decision',
      access: 'editor',
      handle: showLetter,
    },
    actionRoute('letter', sendLetter),
    {
      method: 'post',
      path: '/desk/submissions/:reference/answer',
      access: 'editor',
      takesFiles: true,
      handle: orBack(orConflict(sendAnswer)),
    },
  ]

  /** A decision with its letter as the newsroom words it, and the exact mail that it would be. */
  async function showLetter(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await submissionOf(req)
    const parsed = DecisionGiven.safeParse(req.params.decision)
    if (!parsed.success) throw new Failure('not-found', 'There is no such decision.')
    const decision = parsed.data
    await app.attention.look(submission.id, seat.editor.id, app.now())
    const messages = await openConversation(app, submission, seat)
    const { value: letter } = await app.settings.letter(decision)
    const values = valuesFor(submission, openingOf(messages).content.fields, app.newsroom)
    await letterPage(res, seat, submission, messages, {
      decision,
      list: req.query.list,
      title: fill(letter.subject, values),
      body: fill(letter.body, values),
      isOn: letter.isOn,
      ...seenIn(req.query),
    })
  }

  async function letterPage(
    res: Response,
    seat: Seat,
    submission: Submission,
    messages: Message[],
    written: {
      decision: Decision
      list: unknown
      title: string
      body: string
      isOn: boolean
    } & Seen,
    failure?: Failure,
  ): Promise<void> {
    const opening = openingOf(messages)
    const isGone = submission.senderLeftAt !== null
    const channels = isGone ? [] : replyChannels(contactOf(messages), app.hasBot)
    const mail = channels.includes('answer-mail')
      ? await app.answerDraft(submission, opening, written)
      : undefined
    await app.showPage(res, seat, 'desk/letter', {
      written,
      failure,
      errors: failure?.fields ?? {},
      list: written.list,
      submission,
      opening,
      channels,
      mail,
      mailFrom: app.mailFrom,
      nameOf: nameFrom(await app.editors.names()),
      // What was read is what is decided on: a letter page that was open for long is no fresh look.
      revision: written.revision ?? submission.revision,
      lastMessage: written.seen ?? messages.at(-1)?.id,
    })
  }

  async function sendLetter(req: Request, res: Response, seat: Seat): Promise<void> {
    const decision = chosen(DecisionGiven, formText(req, 'decision'))
    const way = formText(req, 'way')
    if (way === 'preview') return showTyped(req, res, seat, decision)
    try {
      await decideBy(req, res, seat, decision, way)
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'invalid') throw error
      res.status(422)
      await showTyped(req, res, seat, decision, error)
    }
  }

  /** The letter as it was typed, and why it cannot be sent as it is. */
  async function showTyped(
    req: Request,
    res: Response,
    seat: Seat,
    decision: Decision,
    failure?: Failure,
  ): Promise<void> {
    const submission = await submissionOf(req)
    const messages = await openConversation(app, submission, seat)
    const seen = seenIn(req.body)
    const written = { decision, list: formText(req, 'list'), isOn: true, ...wordingIn(req), ...seen }
    await letterPage(res, seat, submission, messages, written, failure)
  }

  async function decideBy(
    req: Request,
    res: Response,
    seat: Seat,
    decision: Decision,
    way: string,
  ): Promise<void> {
    await orConflict(async () => {
      const submission = await seenSubmission(req)
      const action = actionContextOf(submission, seat)
      const decided = decide(action, decision)
      const change = way === 'silent' ? decided : both(decided, await written(action, seat, wordingIn(req)))
      const moved = await apply(action, change, submission.revision)
      res.redirect(303, await onwards(req, seat, submission, moved))
    })(req, res, seat)
  }

  async function sendAnswer(req: Request, res: Response, seat: Seat, sent?: SentFiles): Promise<void> {
    const errors = sent?.fileErrors.map(({ message }) => message) ?? []
    if (errors.length > 0) throw new Failure('invalid', errors.join(' '), { fields: { files: errors } })
    const submission = await seenSubmission(req)
    const action = actionContextOf(submission, seat)
    const messageId = await app.withFiles(submission.id, { files: sent?.files ?? [] }, async (files) => {
      const change = await written(action, seat, { body: formText(req, 'body'), files })
      await apply(action, change, submission.revision)
      return change.message?.id
    })
    const to = `${backTo(req, submission)}#m-${messageId}`
    await goOn(req, res, seat, { to, spent: ['body', 'files'] })
  }
}

/** Makes the change that writes to a sender, by the channels that lead to them. */
export function writer(app: DeskContext) {
  return async (action: ActionContext, seat: Seat, wording: Wording): Promise<ChangeOf> => {
    if (action.submission.senderLeftAt !== null)
      throw new Failure('conflict', 'The sender deleted their side: nobody can be answered any more.')
    const contact = contactOf(await openConversation(app, action.submission, seat))
    const replyBy = replyChannels(contact, app.hasBot)
    const standing = await app.submissions.standingOf(action.submission.id)
    return answer(action, wording, replyBy, contact, standing?.last)
  }
}

/**
 * The conversation, where this editor can open it: nobody writes to somebody whom they cannot know.
 * @throws Failure `forbidden`
 */
async function openConversation(app: DeskContext, submission: Submission, seat: Seat): Promise<Message[]> {
  const messages = await app.submissions.conversation(submission.id, seat.keys)
  if (openingOf(messages).access === 'locked') {
    throw new Failure(
      'forbidden',
      'This piece is sealed. Unlock your session first, then write to its sender.',
    )
  }
  return messages
}

function seenIn(given: unknown): Seen {
  return SeenGiven.parse(given ?? {})
}

function wordingIn(req: Request): { title: string; body: string } {
  return {
    title: formText(req, 'title').replace(/\s+/g, ' ').trim(),
    body: formText(req, 'body'),
  }
}
