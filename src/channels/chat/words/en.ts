import type { Kind, State, Step } from '../../../db/values.ts'
import type { CommandName } from '../command-names.ts'

const kinds: Record<Kind, string> = {
  'news-tip': 'News tip',
  expose: 'Exposé',
  'story-angle': 'Story angle',
  'human-interest': 'Human-interest story',
  'guest-post': 'Guest post',
}

const states: Record<State, string> = {
  waiting: 'waiting to be read',
  'in-review': 'being read',
  accepted: 'accepted',
  declined: 'declined',
  spam: 'declined',
}

const questions: Record<Step, string> = {
  title: 'What is your headline? 3 to 150 characters.',
  standfirst:
    'One or two sentences that stand under the headline and say what it is about. At most 300 characters.',
  byline: 'The author’s name as it should be printed.',
  bio: 'A sentence or two about the author, to be printed below the piece.',
  body: 'Now the article. Send it as text, in as many messages as you like, or as a document. Pictures belong here too. Press “Next” when it is all there.',
  category: 'Which part of the paper is it for?',
  language: 'Which language is it written in?',
  links: 'Web addresses that belong to it, one on each line.',
  interest: 'Do you work for, own, advise or campaign for anyone the piece is about? Readers may be told.',
  name: 'Your own name, if it is not the byline.',
  email: 'Your e-mail address, for our questions. It is not printed.',
  website: 'Your website, starting with https://',
  consent:
    'Did you write this yourself, may it be published under the byline, and has it not been published elsewhere?',
  review: 'This is your guest post. Send it, or go back and change it.',
}

/** What the bot says. `one` and `other` are the plural forms of the language. */
export const en = {
  language: 'English',
  kinds,
  states,
  questions,
  gathered: {
    message: { one: '{} message', other: '{} messages' },
    photo: { one: '{} photo', other: '{} photos' },
    video: { one: '{} video', other: '{} videos' },
    voice: { one: '{} voice message', other: '{} voice messages' },
    audio: { one: '{} audio file', other: '{} audio files' },
    document: { one: '{} document', other: '{} documents' },
    location: { one: '{} place', other: '{} places' },
    contact: { one: '{} contact', other: '{} contacts' },
  },
  minutes: { one: '{} minute', other: '{} minutes' },
  hours: { one: '{} hour', other: '{} hours' },
  greeting: (newsroom: string) =>
    `This is the letterbox of ${newsroom}.\n\nWrite what you want to tell us, and add photos, documents, video or voice. When it is all there, press “Send”. An editor reads it, and you get a receipt.\n\nTelegram knows who you are and that you write to us, and so may whoever looks into your phone. If that is a danger to you, do not use it for this.`,
  saferForm: (url: string) => `The form on our site asks for no name and no account: ${url}`,
  inTor: (url: string) => `In Tor Browser: ${url}`,
  beforeYouTell:
    'Telegram knows that it is you who writes. If that is a danger to you, stop here and use the form.',
  afterSending:
    'For your safety: note the receipt on paper, then delete this chat. If more is dangerous to say, write it on our site with the receipt, and not here.',
  chooseKind: 'What would you like to send? You can also just begin to write.',
  begun: (kind: string) =>
    `${kind}: go on, I am listening. Send words, photos, files or voice, in any order.`,
  begunGuestPost:
    'Guest post: I will ask you a few questions. You can go back at any time. What you have said is kept for a day if you stop.',
  notSent: (gathered: string, kind: string) => `Not sent yet: ${gathered}. ${kind}.`,
  nothingYet: 'nothing',
  reply: (gathered: string, reference: string) => `Not sent yet: ${gathered}, as your reply to ${reference}.`,
  sendsItself: (time: string) => `If you say nothing for ${time}, it is sent as it is.`,
  tooLarge: (url: string) =>
    `A file is too large: Telegram does not give it to us. The rest is safe. Please send what is too large here, once, within a week: ${url}`,
  notOpened: {
    iwork:
      'A file is a Pages, Numbers or Keynote document, which cannot be opened here. The rest is safe. Please export it as PDF, Word, Excel or PowerPoint, and send that.',
    link: 'A file is only a link or a shortcut, without the file that it leads to. The rest is safe. Please send that file.',
    program:
      'A file is a program, and is not accepted. The rest is safe. Please send a description, or a screenshot of what it does.',
    archive:
      'A file is an archive that cannot be opened here. The rest is safe. Please pack it as a zip archive, or send the files one by one.',
    other:
      'A file is of a kind that cannot be opened here. The rest is safe. Please export it as PDF, as text or as a picture, or pack it in a zip archive.',
  },
  sent: (gathered: string) => `Sent: ${gathered}.`,
  discarded: (gathered: string) => `Discarded: ${gathered}. For ten minutes you can have it back.`,
  discardedForGood: 'Discarded.',
  nothingToDiscard: 'There is nothing here that has not been sent.',
  send: 'Send',
  sendReply: 'Send as a reply',
  somethingNew: 'It is something new',
  addMore: 'Add more',
  discard: 'Discard',
  undo: 'Have it back',
  next: 'Next',
  back: 'Back',
  skip: 'Skip',
  yes: 'Yes, it may be published',
  listening: 'Go on, I am listening.',
  sending: 'On its way.',
  tooLate: 'It is too late for that.',
  otherOpen: 'Please send or discard the other piece first.',
  answerAgain: (errors: string) => `${errors}\n\nPlease try again.`,
  bodyNeeded: 'Please send the article first, as text or as a document.',
  pressButton: 'Please press one of the buttons.',
  fileKept: 'The file is kept as part of your post.',
  stepOf: (step: number, of: number) => `${step} of ${of}`,
  received: (reference: string, receipt: string, statusUrl: string) =>
    `Received. Thank you.\n\nReference: ${reference}\nReceipt: ${receipt}\n\nKeep the receipt to yourself. With it you can also read our answer and write again here: ${statusUrl}\n\nOur answer comes to this chat as well. /status lists what you have sent.`,
  joined: (reference: string) => `Received. It has been added to ${reference}.`,
  statusEmpty: 'You have sent nothing from this chat yet.',
  statusList: 'What you have sent, the newest first:',
  statusLine: (reference: string, kind: string, state: string, day: string) =>
    `${reference} – ${kind}, ${day}: ${state}`,
  statusHint: 'To write more about one of them, reply to our answer, or use its receipt on our site.',
  linked: (reference: string) =>
    `This chat now belongs to ${reference}. Our answers come here too, and when you reply to one, we get it.`,
  notLinked: 'This link has been used, or it is too old. Open your status page again for a new one.',
  chooseLanguage: 'Which language shall I speak?',
  languageChosen: 'I will speak English.',
  inGroup: (link: string) =>
    `Tips belong in private: anyone in this group can read along. Write to me here: ${link}`,
  notTaken:
    'This kind of message cannot be read here, but it has been kept. Please write it in words, or send it as a file.',
  unknownCommand: (commands: string) =>
    `I don’t know that command, so nothing was done and nothing was added. If it is part of what you want to tell us, write it without the slash.\n\nThis is what I know:\n${commands}`,
  commandWithWords: (commands: string) =>
    `I have added that to what you are telling us; I did not take it as a command. To discard what is not sent yet, press “Discard” or write /cancel and nothing else.\n\nThis is what I know:\n${commands}`,
  helpCommands:
    '/tip – a news tip\n/expose – an exposé\n/story – a story\n/guest – a guest post\n/status – what you have sent\n/cancel – discard what is not sent yet\n/language – another language\n/help – this help',
  commands: {
    tip: 'Send a news tip',
    expose: 'Send an exposé',
    story: 'Send a story',
    guest: 'Send a guest post',
    status: 'What you have sent',
    cancel: 'Discard what is not sent yet',
    language: 'Choose the language',
    help: 'How this works',
  },
  /** Other words for the commands, without the slash. */
  commandWords: {
    start: ['begin'],
    tip: ['newstip'],
    expose: ['exposé'],
    story: [],
    guest: ['guestpost'],
    status: [],
    cancel: ['discard', 'stop'],
    language: [],
    help: [],
  } as Record<CommandName, string[]>,
}

/** What the bot says, in one language. */
export type ChatWords = typeof en
