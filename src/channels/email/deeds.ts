import { type Confirmation, confirmationTo } from '../../confirmation.ts'
import { answerDoors, type Contact, contactOf } from '../../contact.ts'
import type { Arrival } from '../../draft.ts'
import type { Editor } from '../../editor.ts'
import { Failure } from '../../failure.ts'
import { type Decision, fill, type Kept, type Letter, type LetterName, valuesFor } from '../../letter.ts'
import type { HeldReason, Message, Submission } from '../../submission.ts'
import {
  answer,
  both,
  type Change,
  type ChangeOf,
  claim,
  type Deed,
  decide,
  note,
  type WrittenFile,
} from '../../work.ts'
import type { EditorReply } from './editor-reply.ts'

export type DeedParts = {
  applyOnce: (change: Change & { arrival: Omit<Arrival, 'secret'> }) => Promise<Submission | undefined>
  submissionById: (id: string) => Promise<Submission | undefined>
  conversation: (submissionId: string) => Promise<Message[]>
  /** How the sender of a sealed piece is reached, as far as this process knows. */
  contact: (submissionId: string) => Promise<Contact | 'lost'>
  letter: (name: LetterName) => Promise<Kept<Letter>>
  hasBot: boolean
  newsroom: string
  now: () => number
}

/** A reply of an editor, and which mail it was. */
export type RepliedDeed = {
  submissionId: string
  editor: Editor
  arrival: Omit<Arrival, 'secret'>
  reply: EditorReply
  files: WrittenFile[]
}

/** What became of it: done, done before, or to be held for this reason. */
export type Done = 'done' | 'repeat' | HeldReason

const decisionOf = { accept: 'accepted', decline: 'declined' } as const satisfies Record<string, Decision>
/** So often it is looked again, when a colleague has changed the submission between our look and our deed. */
const mostLooks = 5

/** Does what editors ask for by mail, each mail once. */
export function mailDeeds(parts: DeedParts) {
  return async (replied: RepliedDeed): Promise<Done> => {
    const { command, words } = replied.reply
    if (typeof command === 'object') return 'no-such-command'
    if ((command === 'claim' || command === 'note') && replied.files.length > 0) return 'not-possible'
    if (words === '' && (command === 'note' || (!command && replied.files.length === 0)))
      return 'nothing-said'
    for (let look = 1; ; look++) {
      const submission = await parts.submissionById(replied.submissionId)
      if (!submission) return 'not-possible'
      try {
        return await doOnce(replied, submission)
      } catch (error) {
        if (!(error instanceof Failure) || !['conflict', 'invalid'].includes(error.code)) throw error
        const isStale = (await parts.submissionById(submission.id))?.revision !== submission.revision
        if (!isStale || look === mostLooks) return 'not-possible'
      }
    }
  }

  async function doOnce(replied: RepliedDeed, submission: Submission): Promise<Done> {
    const deed: Deed = { submission, editorId: replied.editor.id, at: parts.now() }
    const change = await changeFor(deed, replied)
    const { arrival } = replied
    const done = await parts.applyOnce({
      ...change,
      submissionId: submission.id,
      editorId: deed.editorId,
      at: deed.at,
      revision: submission.revision,
      arrival,
    })
    return done ? 'done' : 'repeat'
  }

  async function changeFor(deed: Deed, { reply, files }: RepliedDeed): Promise<ChangeOf> {
    const { command, words } = reply
    switch (command) {
      case 'claim':
        return confirmed(deed, claim(deed), 'claimed')
      case 'note':
        return confirmed(deed, note(deed, words), 'noted')
      case 'accept':
      case 'decline':
        return decided(deed, decisionOf[command], words, files)
      default:
        // A file may say it all; then the words that stand with it are ours.
        return written(deed, { body: words || 'Please see the attached file.' }, files)
    }
  }

  /** With the words that follow the command as its letter, or with the newsroom's own. */
  async function decided(
    deed: Deed,
    decision: 'accepted' | 'declined',
    words: string,
    files: WrittenFile[],
  ): Promise<ChangeOf> {
    const isOpen = deed.submission.state === 'waiting' || deed.submission.state === 'in-review'
    if (!isOpen) throw new Failure('conflict', 'A colleague has decided on it meanwhile.')
    const moved = decide(deed, decision)
    const { value: letter } = await parts.letter(decision)
    if (words === '' && !letter.isOn) return confirmed(deed, moved, `${decision} silently`)
    const [opening] = await parts.conversation(deed.submission.id)
    const values = valuesFor(deed.submission, opening?.content.fields ?? { body: '' }, parts.newsroom)
    const said = { title: fill(letter.subject, values), body: words || fill(letter.body, values) }
    return confirmed(deed, both(moved, await written(deed, said, files)), decision)
  }

  /** @throws Failure `conflict` where a restart has lost how the sender is reached: the answer is held for the desk then */
  async function contactFor({ id, isConfidential }: Submission): Promise<Contact> {
    if (!isConfidential) return contactOf(await parts.conversation(id))
    const contact = await parts.contact(id)
    if (contact === 'lost')
      throw new Failure('conflict', 'Who sent this is sealed: please answer from the desk.')
    return contact
  }

  async function written(
    deed: Deed,
    said: { title?: string; body: string },
    files: WrittenFile[],
  ): Promise<ChangeOf> {
    const contact = await contactFor(deed.submission)
    const doors = answerDoors(contact, parts.hasBot)
    return answer(deed, { ...said, files }, doors, contact)
  }
}

function confirmed(deed: Deed, change: ChangeOf, what: Confirmation): ChangeOf {
  return { ...change, deliveries: [...change.deliveries, confirmationTo(deed.editorId, what)] }
}
