import { Failure } from '../core/errors.ts'

/** Why a file is not taken: what it is, and what its sender can send instead. */
export const rejections = {
  pages: {
    what: 'a Pages document',
    instead: 'In Pages choose File, Export To, and send it as PDF or Word.',
  },
  numbers: {
    what: 'a Numbers document',
    instead: 'In Numbers choose File, Export To, and send it as PDF or Excel.',
  },
  keynote: {
    what: 'a Keynote document',
    instead: 'In Keynote choose File, Export To, and send it as PDF or PowerPoint.',
  },
  iwork: {
    what: 'a Pages, Numbers or Keynote document',
    instead: 'Export it as PDF, or as Word, Excel or PowerPoint, and send that.',
  },
  'google-link': {
    what: 'a link to a document at Google, without the document itself',
    instead: 'Open it there, choose File, Download, and send the file that you get.',
  },
  shortcut: {
    what: 'a shortcut, without the file that it leads to',
    instead: 'Send that file, or write the web address in your message.',
  },
  unfinished: {
    what: 'a file that has not been downloaded completely',
    instead: 'Wait until the download has finished, and send the file then.',
  },
  'lock-file': {
    what: 'a file that an office program keeps while a document is open, without the document itself',
    instead: 'Close the document, and send the file of the same name without “~$”.',
  },
  program: { what: 'a program', instead: 'Send a description, or a screenshot of what it does.' },
  archive: {
    what: 'an archive that cannot be opened here',
    instead: 'Pack the files as a zip archive, or send them one by one.',
  },
  other: {
    what: 'a kind of file that cannot be opened here',
    instead: 'Export it as PDF, as text or as a picture, or pack it in a zip archive.',
  },
  empty: { what: 'an empty file', instead: 'Open it to see whether it is complete, and send it again.' },
  misnamed: {
    what: 'a file whose name says that it is something else',
    instead: 'Save it again under a name with the right ending.',
  },
  'no-room': {
    what: 'a file that there was no room for: our disk was nearly full',
    instead: 'Please send it again in a day or two.',
  },
} as const satisfies Record<string, { what: string; instead: string }>

export type RejectionReason = keyof typeof rejections

export function isRejectionReason(code: string): code is RejectionReason {
  return Object.hasOwn(rejections, code)
}

/** What is said to whoever sends such a file. */
function rejectionWords(reason: RejectionReason): string {
  const { what, instead } = rejections[reason]
  return `It is ${what}. ${instead}`
}

/** A file that is not taken for what it is. Its message tells its sender what to send instead. */
export class FileRefused extends Failure {
  readonly reason: RejectionReason

  constructor(reason: RejectionReason, message = rejectionWords(reason)) {
    super('unsupported-file', message)
    this.reason = reason
  }
}

/** Why a job failed, in words, where the code does not say it. */
export const jobErrorNames: Record<string, string> = {
  'no-room': 'there is no room for files on the disk of UPLOADS_DIR. It is fetched when there is',
  'sealed-away':
    'whom it goes to was lost when Barua was started anew. Unlock your session and have it tried again',
  'no-outcome':
    'twice Barua came to an end while the file was read. It is not read again by itself; the file is kept as it came',
  ...Object.fromEntries(
    Object.entries(rejections).map(([reason, { what }]) => [`unsupported-${reason}`, `it is ${what}`]),
  ),
}

/** Why a file that was fetched was not taken, where its fault says so. */
export function rejectionIn(errorCode: string): RejectionReason | undefined {
  const reason = errorCode.replace(/^unsupported-/, '')
  return reason !== errorCode && isRejectionReason(reason) ? reason : undefined
}
