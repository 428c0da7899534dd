import type { Readable } from 'node:stream'
import type { Attachment } from '../submissions/attachment.ts'
import type { HistoryEntry } from '../submissions/history.ts'
import { channelNames, detailFields, kindNames, type Message, type Submission } from '../submissions/model.ts'
import type { Note } from '../submissions/note.ts'
import { stateNames } from '../submissions/states.ts'
import type { TarEntry } from './tar.ts'

/** A submission with everything that there is of it, opened. */
type DecryptedSubmission = {
  submission: Submission
  messages: Message[]
  notes: Note[]
  tags: string[]
  history: HistoryEntry[]
}

type OpenedContext = {
  readFile: (attachment: Attachment) => Promise<Readable>
  /** A name that is safe on a disk, with an ending that fits the type. */
  fileName: (name: string, type: string) => string
  nameOf: (editorId: string | null) => string
}

/** What an opened submission is packed as: a page to read, the same for programs, and its files. */
export function entriesOfOpened(decrypted: DecryptedSubmission, app: OpenedContext): TarEntry[] {
  const files = filesOfSubmission(decrypted, app)
  const nameOfFile = new Map(files.map(({ id, name }) => [id, name]))
  return [
    { name: 'read-me.txt', text: pageOf(decrypted, nameOfFile, app) },
    { name: 'piece.json', text: `${JSON.stringify(forPrograms(decrypted, nameOfFile), null, 2)}\n` },
    ...files.map(({ name, size, open }) => ({ name, size, open })),
  ]
}

function filesOfSubmission({ messages }: DecryptedSubmission, { readFile, fileName }: OpenedContext) {
  const kept = messages.flatMap(({ attachments, content }) =>
    attachments
      .filter(({ state, size }) => state === 'kept' && size !== null)
      .map((one) => ({ one, label: content.files[one.id] })),
  )
  // The number keeps two files of one name apart.
  return kept.map(({ one, label }, i) => ({
    id: one.id,
    name: `files/${String(i + 1).padStart(2, '0')}-${fileName(label?.name ?? 'file', one.type ?? '')}`,
    size: one.size ?? 0,
    open: () => readFile(one),
  }))
}

function pageOf(
  { submission, messages, notes, tags }: DecryptedSubmission,
  nameOfFile: Map<string, string>,
  { nameOf }: OpenedContext,
): string {
  const { reference, kind, channel, state, createdAt } = submission
  const turns = [
    ...messages.map((message) => ({ id: message.id, lines: linesOf(message) })),
    ...notes.map((note) => ({
      id: note.id,
      lines: [`Note by ${nameOf(note.editorId)}, ${when(note.createdAt)}`, '', note.body],
    })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1))
  const head = [
    `${reference}: ${kindNames[kind]}, by ${channelNames[channel]}, ${when(createdAt)}`,
    `${stateNames[state]}${tags.length > 0 ? `, tagged ${tags.join(', ')}` : ''}`,
  ]
  return `${[head, ...turns.map(({ lines }) => lines)].map((lines) => lines.join('\n')).join('\n\n----\n\n')}\n`

  function linesOf(message: Message): string[] {
    const { author, editorId, createdAt: at, content, isWithdrawn, attachments } = message
    const { title, body, links = [] } = content.fields
    const who = author === 'editor' ? nameOf(editorId) : author
    const sides = Object.entries(detailFields).flatMap(([field, name]) => {
      const value = content.fields[field as keyof typeof detailFields]
      return value ? [`${name}: ${value}`] : []
    })
    return [
      `By ${who}, ${when(at)}${isWithdrawn ? ' (taken back)' : ''}`,
      '',
      ...(title ? [title, ''] : []),
      body,
      ...(content.email?.cover ? ['', 'The email itself says:', '', content.email.cover] : []),
      ...(content.email?.quoted ? ['', 'Below it:', '', content.email.quoted] : []),
      ...[...sides, ...links].map((line) => `\n${line}`),
      ...(content.rawUpdates ? ['\nPart of it could not be read here: piece.json has it as it came.'] : []),
      ...attachments.map(({ id }) => `\nFile: ${nameOfFile.get(id) ?? 'not kept'}`),
    ]
  }
}

function forPrograms(decrypted: DecryptedSubmission, nameOfFile: Map<string, string>) {
  const { submission, messages, notes, tags, history } = decrypted
  return {
    reference: submission.reference,
    kind: submission.kind,
    channel: submission.channel,
    state: submission.state,
    receivedAt: iso(submission.createdAt),
    isConfidential: submission.isConfidential,
    tags,
    messages: messages.map(
      ({ id, author, editorId, createdAt, content, attachments, isWithdrawn, access }) => ({
        id,
        author,
        editorId,
        at: iso(createdAt),
        isWithdrawn,
        ...(access === 'damaged' && { isDamaged: true }),
        fields: content.fields,
        ...(content.telegram && { telegram: content.telegram }),
        ...(content.email && { email: content.email }),
        ...(content.rawUpdates && { rawUpdates: content.rawUpdates }),
        files: attachments.map((file) => ({
          ...content.files[file.id],
          file: nameOfFile.get(file.id),
          type: file.type,
          size: file.size,
          state: file.state,
        })),
      }),
    ),
    notes: notes.map(({ id, editorId, body, createdAt }) => ({ id, editorId, body, at: iso(createdAt) })),
    history: history.map(({ editorId, action, detail, at }) => ({ editorId, action, detail, at: iso(at) })),
  }
}

function when(at: number): string {
  return `${iso(at).slice(0, 16).replace('T', ' ')} UTC`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
