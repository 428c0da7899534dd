import { z } from 'zod'
import { type Kind, kinds } from '../../db/values.ts'
import { fieldRules } from '../../submissions/incoming.ts'
import { isConfidentialKind, kindNames } from '../../submissions/model.ts'
import { categories, writtenLanguages } from '../../submissions/suggestions.ts'

/** How a field is asked for. What it may hold is said in `incoming.ts` and read from there. */
type FormField = {
  name: string
  label: string
  control: 'line' | 'text' | 'email' | 'url' | 'links' | 'tick'
  help?: string
  rows?: number
  autocomplete?: string
  suggestions?: readonly string[]
  required: boolean
  min?: number
  max?: number
}

export type Form = {
  kind: Kind
  name: string
  /** One line on the front page. */
  summary: string
  /** A paragraph above the form. */
  help: string
  fields: FormField[]
  /** Guest posts have a caption and a credit for each picture. */
  asksForPictures: boolean
  /** Encrypted in any case; others can be, if their sender wants it. */
  isConfidential: boolean
}

type FieldOptions = Omit<FormField, 'required' | 'min' | 'max'>

const language: FieldOptions = {
  name: 'language',
  label: 'Language',
  control: 'line',
  help: 'The language you wrote in.',
  suggestions: writtenLanguages,
}

const links: FieldOptions = {
  name: 'links',
  label: 'Links',
  control: 'links',
  help: 'Web addresses that belong to this, one on each line.',
  rows: 3,
}

const contact: FieldOptions[] = [
  { name: 'name', label: 'Your name', control: 'line', autocomplete: 'name' },
  {
    name: 'email',
    label: 'Your e-mail address',
    control: 'email',
    help: 'For a copy of the receipt and for our answer. Without it you read our answer on this site.',
    autocomplete: 'email',
  },
]

const optionalContact: FieldOptions[] = [
  {
    name: 'name',
    label: 'Your name',
    control: 'line',
    help: 'Leave this empty if you do not want to say who you are.',
    autocomplete: 'off',
  },
  {
    name: 'email',
    label: 'Your e-mail address',
    control: 'email',
    help: 'Not needed: the receipt you get is enough to read our answer here. A mail to you tells whoever reads your mailbox that you wrote to us.',
    autocomplete: 'off',
  },
]

const storyFields: FieldOptions[] = [
  { name: 'title', label: 'Title', control: 'line' },
  { name: 'body', label: 'Your story', control: 'text', rows: 14 },
  language,
  links,
  ...contact,
]

const tipFields: FieldOptions[] = [
  { name: 'title', label: 'Title', control: 'line', help: 'A few words, if you like.' },
  {
    name: 'body',
    label: 'What happened?',
    control: 'text',
    help: 'Who did what, and whom does it harm? Begin with what matters most.',
    rows: 12,
  },
  { name: 'place', label: 'Where?', control: 'line' },
  {
    name: 'when',
    label: 'When?',
    control: 'line',
    help: 'As exactly as you know: a day, a month, “since 2023”.',
  },
  {
    name: 'evidence',
    label: 'How do you know?',
    control: 'text',
    help: 'Did you see it, hear of it, or do you have papers? Who else could confirm it?',
    rows: 4,
  },
  language,
  links,
  ...optionalContact,
]

const guestPostFields: FieldOptions[] = [
  {
    name: 'title',
    label: 'Title',
    control: 'line',
    help: 'Your headline. We may change it and will tell you.',
  },
  {
    name: 'standfirst',
    label: 'Standfirst',
    control: 'text',
    help: 'One or two sentences under the headline that say what it is about.',
    rows: 2,
  },
  { name: 'byline', label: 'Byline', control: 'line', help: 'The author’s name as it should be printed.' },
  {
    name: 'bio',
    label: 'About the author',
    control: 'text',
    help: 'A sentence or two that we may print below the piece.',
    rows: 2,
  },
  {
    name: 'body',
    label: 'Your article',
    control: 'text',
    help: 'Paste the text here, with an empty line between paragraphs. Or attach it as a document and write a short summary here.',
    rows: 20,
  },
  {
    name: 'category',
    label: 'Category',
    control: 'line',
    suggestions: categories,
  },
  language,
  links,
  {
    name: 'interest',
    label: 'Your interest in the matter',
    control: 'text',
    help: 'Do you work for, own, advise or campaign for anyone the piece is about? Readers may be told.',
    rows: 2,
  },
  {
    name: 'name',
    label: 'Your name',
    control: 'line',
    help: 'If it is not the byline.',
    autocomplete: 'name',
  },
  {
    name: 'email',
    label: 'Your e-mail address',
    control: 'email',
    help: 'For the receipt, our questions and our answer. It is not printed.',
    autocomplete: 'email',
  },
  { name: 'website', label: 'Your website', control: 'url', autocomplete: 'url' },
  {
    name: 'consent',
    label:
      'I wrote this, it may be published under the byline above, and it has not been published elsewhere.',
    control: 'tick',
  },
]

const texts: Record<Kind, { summary: string; help: string; fields: FieldOptions[] }> = {
  'guest-post': {
    summary: 'An opinion or article of your own, to be published under your name.',
    help: 'We publish well-argued pieces of 600 to 1,200 words that have not appeared elsewhere. An editor reads every one and answers you.',
    fields: guestPostFields,
  },
  expose: {
    summary: 'Wrongdoing that somebody wants to keep hidden.',
    help: 'Tell us what is being hidden and what shows it. You need not say who you are. Nothing you write here is put into any e-mail; only our editors can read it.',
    fields: tipFields,
  },
  'news-tip': {
    summary: 'Something is happening that we should know about.',
    help: 'A few lines are enough. You need not say who you are. Nothing you write here is put into any e-mail; only our editors can read it.',
    fields: tipFields,
  },
  'story-angle': {
    summary: 'A story we should tell, or a side of it that we missed.',
    help: 'Tell us what the story is, why it matters now, and who could speak about it.',
    fields: storyFields,
  },
  'human-interest': {
    summary: 'Somebody’s life, work or luck that others should hear of.',
    help: 'Tell us about the person, and how we could reach them. Please ask them first.',
    fields: storyFields,
  },
}

function formOf(kind: Kind): Form {
  const { summary, help, fields } = texts[kind]
  const asksForPictures = kind === 'guest-post'
  return {
    kind,
    name: kindNames[kind],
    summary,
    help,
    fields: fields.map(withRules(kind)),
    asksForPictures,
    isConfidential: isConfidentialKind(kind),
  }
}

function withRules(kind: Kind): (asked: FieldOptions) => FormField {
  const { properties = {}, required = [] } = z.toJSONSchema(fieldRules[kind], { io: 'input' })
  return (asked) => {
    const rule = properties[asked.name]
    const { minLength, maxLength } = typeof rule === 'object' ? rule : {}
    return {
      ...asked,
      required: required.includes(asked.name),
      ...(minLength !== undefined && minLength > 1 && { min: minLength }),
      ...(maxLength !== undefined && { max: maxLength }),
    }
  }
}

/** The five forms, in the order of the front page. */
export const forms: readonly Form[] = kinds.map(formOf)

export function formFor(kind: string): Form | undefined {
  return forms.find((form) => form.kind === kind)
}
