import type { Editor } from '../../accounts/editor.ts'
import { Failure } from '../../core/errors.ts'
import { idBehind } from '../../core/ids.ts'
import {
  type ActionContext,
  type AnswerFile,
  answer,
  both,
  type Change,
  type ChangeOf,
  claim,
  decide,
  note,
  type Original,
  type Wording,
} from '../../editorial/actions.ts'
import {
  type Decision,
  fill,
  type Letter,
  type LetterName,
  type Versioned,
  valuesFor,
} from '../../editorial/letter-templates.ts'
import { type Confirmation, confirmationTo } from '../../editorial/reply-confirmations.ts'
import type { Contact } from '../../jobs/contact.ts'
import type { EphemeralPayload } from '../../jobs/job.ts'
import { contactOf, replyChannels } from '../../submissions/contact.ts'
import type { IdempotencyKey } from '../../submissions/incoming.ts'
import type { MailOrigin, Message, Submission } from '../../submissions/model.ts'
import type { QuarantineReason } from '../../submissions/quarantine.ts'
import { undoTime } from '../../submissions/states.ts'
import type { EditorReply } from './editor-reply.ts'

type ReplyCommandContext = {
  applyOnce: (
    change: Change & { idempotencyKey: Omit<IdempotencyKey, 'secret'> },
  ) => Promise<Submission | undefined>
  submissionById: (id: string) => Promise<Submission | undefined>
  conversation: (submissionId: string) => Promise<Message[]>
  /** The id of what was said last. */
  lastTurnOf: (submissionId: string) => Promise<string | undefined>
  /** How the sender of an encrypted submission is reached, as far as this process knows. */
  contact: (submissionId: string) => Promise<Contact | 'lost'>
  letter: (name: LetterName) => Promise<Versioned<Letter>>
  /** For how long what is to be sent can be stopped; in milliseconds. */
  replyWait: () => Promise<number>
  hasBot: boolean
  newsroom: string
  now: () => number
}

/** A reply of an editor, and which mail it was. */
export type ReplyCommand = {
  submissionId: string
  editor: Editor
  idempotencyKey: Omit<IdempotencyKey, 'secret'>
  reply: EditorReply
  /** Those that go to the sender. */
  files: AnswerFile[]
  /** The mail itself, and those of its files that do not go. */
  aside: AnswerFile[]
  origin: MailOrigin
}

/** What became of it: done, done before, or to be held for this reason. */
export type Done = 'done' | 'repeat' | QuarantineReason

const decisionOf = { accept: 'accepted', decline: 'declined' } as const satisfies Record<string, Decision>

/** So often it is looked again, when a colleague has changed the submission between our look and our deed. */
const mostLooks = 5

/** Does what editors ask for by mail, each mail once. */
export function replyCommands(app: ReplyCommandContext) {
  return {
    /** Why it cannot be done as things stand; asked before its files are put in their place. */
    async reasonAgainst(replied: ReplyCommand): Promise<QuarantineReason | undefined> {
      const { command, words } = replied.reply
      if (typeof command === 'object') return 'no-such-command'
      if ((command === 'claim' || command === 'note') && replied.files.length > 0) return 'not-possible'
      const isSilent = words === '' && replied.files.length === 0
      if (isSilent && (command === 'note' || command === undefined)) return 'nothing-said'
      const submission = await app.submissionById(replied.submissionId)
      if (!submission) return 'not-possible'
      try {
        await changeFor({ submission, editorId: replied.editor.id, at: app.now() }, replied)
        return undefined
      } catch (error) {
        if (isPossible(error)) throw error
        return 'not-possible'
      }
    },

    async do(replied: ReplyCommand): Promise<Done> {
      for (let look = 1; ; look++) {
        const submission = await app.submissionById(replied.submissionId)
        if (!submission) return 'not-possible'
        try {
          return await doOnce(replied, submission)
        } catch (error) {
          if (isPossible(error)) throw error
          const isStale = (await app.submissionById(submission.id))?.revision !== submission.revision
          if (!isStale || look === mostLooks) return 'not-possible'
        }
      }
    },
  }

  async function doOnce(replied: ReplyCommand, submission: Submission): Promise<Done> {
    const wait = Math.max(undoTime, await app.replyWait())
    const action: ActionContext = { submission, editorId: replied.editor.id, at: app.now(), wait }
    const change = await changeFor(action, replied)
    const isWorthKeeping = change.message !== undefined || change.note !== undefined
    const { idempotencyKey } = replied
    const last = change.message?.id ?? (await app.lastTurnOf(submission.id))
    const done = await app.applyOnce({
      ...change,
      ...(isWorthKeeping && { original: originalOf(action, replied, last) }),
      submissionId: submission.id,
      editorId: action.editorId,
      at: action.at,
      revision: submission.revision,
      idempotencyKey,
    })
    return done ? 'done' : 'repeat'
  }

  async function changeFor(action: ActionContext, replied: ReplyCommand): Promise<ChangeOf> {
    const { command, words } = replied.reply
    switch (command) {
      case 'claim':
        if (words === '') return confirmed(action, claim(action), 'claimed')
        return confirmed(action, both(claim(action), note(words)), 'claimed and noted')
      case 'note':
        return confirmed(action, note(words), 'noted')
      case 'accept':
      case 'decline':
        return decided(action, decisionOf[command], replied)
      default: {
        // A file may say it all; then the words that stand with it are ours.
        const wording = { body: words || 'Please see the attached file.', files: replied.files }
        return shown(action, replied, await written(action, wording), 'answered')
      }
    }
  }

  /** With the words that follow the command as its letter, or with the newsroom's own. */
  async function decided(
    action: ActionContext,
    decision: 'accepted' | 'declined',
    replied: ReplyCommand,
  ): Promise<ChangeOf> {
    const { words } = replied.reply
    const isOpen = action.submission.state === 'waiting' || action.submission.state === 'in-review'
    if (!isOpen) throw new Failure('conflict', 'A colleague has decided on it meanwhile.')
    const moved = decide(action, decision)
    const { value: letter } = await app.letter(decision)
    if (words === '' && replied.files.length === 0 && !letter.isOn)
      return confirmed(action, moved, `${decision} silently`)
    const [opening] = await app.conversation(action.submission.id)
    const values = valuesFor(action.submission, opening?.content.fields ?? { body: '' }, app.newsroom)
    const wording = {
      title: fill(letter.subject, values),
      body: words || fill(letter.body, values),
      files: replied.files,
    }
    return shown(action, replied, both(moved, await written(action, wording)), decision)
  }

  /** @throws Failure `conflict` where a restart has lost how the sender is reached: the answer is held for the desk then */
  async function contactFor({ id, isConfidential }: Submission): Promise<Contact> {
    if (!isConfidential) return contactOf(await app.conversation(id))
    const contact = await app.contact(id)
    if (contact === 'lost')
      throw new Failure('conflict', 'Who sent this is sealed: please answer from the desk.')
    return contact
  }

  async function written(action: ActionContext, wording: Wording): Promise<ChangeOf> {
    const contact = await contactFor(action.submission)
    const channels = replyChannels(contact, app.hasBot)
    return answer(action, wording, channels, contact, await app.lastTurnOf(action.submission.id))
  }
}

/** True for an error that says nothing about what was asked for. */
function isPossible(error: unknown): boolean {
  return !(error instanceof Failure) || !['conflict', 'invalid'].includes(error.code)
}

function confirmed(action: ActionContext, change: ChangeOf, what: Confirmation): ChangeOf {
  return { ...change, jobs: [...change.jobs, confirmationTo(action.editorId, what)] }
}

/** Confirmed with the exact words, so that they can be stopped before the sender is told. */
function shown(
  { editorId, submission }: ActionContext,
  replied: ReplyCommand,
  change: ChangeOf,
  what: Confirmation,
): ChangeOf {
  const { message } = change
  if (!message) return change
  const ephemeralPayload: EphemeralPayload = {
    text: message.body,
    title: message.title,
    files: replied.files.map(({ id, name }) => ({ id, name, key: '' })),
    leftOut: {
      words: replied.reply.leftOut,
      files: replied.aside.filter(({ isRaw }) => !isRaw).map(({ name }) => ({ name })),
    },
  }
  const job = {
    ...confirmationTo(editorId, what),
    messageId: message.id,
    ...(submission.isConfidential && { ephemeralPayload }),
  }
  return { ...change, jobs: [...change.jobs, job] }
}

/** The reply as it came, with all its files: if it is stopped, it is quarantined with them. */
function originalOf(
  { at, editorId }: ActionContext,
  { reply, files, aside, origin }: ReplyCommand,
  last: string | undefined,
): Original {
  const labels = [
    ...aside.map(({ id, name, isRaw }) => [id, { name, ...(isRaw ? { isRaw } : { isLeftOut: true }) }]),
    ...files.map(({ id, name }) => [id, { name }]),
  ]
  return {
    id: idBehind(last, at),
    files: aside,
    content: {
      fields: { body: reply.text },
      files: Object.fromEntries(labels),
      email: {
        ...origin,
        ...(reply.leftOut && { quoted: reply.leftOut }),
        quarantined: 'stopped',
        quarantinedFor: editorId,
      },
    },
  }
}
