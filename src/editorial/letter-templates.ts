import { z } from 'zod'
import { isolated } from '../core/bidi.ts'
import { Failure, type FieldErrors } from '../core/errors.ts'
import { isVisible } from '../core/visible-text.ts'
import type { State } from '../db/values.ts'
import { type Fields, kindNames, type Submission, titleOf } from '../submissions/model.ts'

/** The letters that go to senders by themselves: the receipt, and one with each decision. */
export const letters = ['receipt', 'accepted', 'declined', 'please-change'] as const
export type LetterName = (typeof letters)[number]

export const letterNames: Record<LetterName, string> = {
  receipt: 'Receipt',
  accepted: 'Accepted',
  declined: 'Declined',
  'please-change': 'Please change',
}

/** The decisions, which each have a letter, and where they move a submission. */
export const decisions = ['accepted', 'declined', 'please-change'] as const
export type Decision = (typeof decisions)[number]

export const stateAfter: Record<Decision, State> = {
  accepted: 'accepted',
  declined: 'declined',
  'please-change': 'in-review',
}

/** A letter as the newsroom words it. `isOn`: it is sent unless an editor says otherwise. */
export type Letter = { subject: string; body: string; isOn: boolean }

/** A setting with its revision: 0 while it is the one we came with. */
export type Versioned<T> = { value: T; revision: number }

/** What may stand in double braces in a letter. */
export const placeholders = {
  name: 'the sender’s name, or “there”',
  title: 'the title, or the kind where there is none',
  reference: 'the reference',
  newsroom: 'the newsroom’s name',
} as const

export type Values = Record<keyof typeof placeholders, string>

export const defaultLetters: Record<LetterName, Letter> = {
  receipt: {
    subject: 'We received what you sent ({{reference}})',
    body: 'What you sent to {{newsroom}} has arrived. Thank you.',
    isOn: true,
  },
  accepted: {
    subject: 'We are taking “{{title}}”',
    body: 'Hello {{name}},\n\nthank you for “{{title}}”. We are glad to take it, and will write again when it is about to appear.\n\n{{newsroom}}',
    isOn: true,
  },
  declined: {
    subject: 'About “{{title}}”',
    body: 'Hello {{name}},\n\nthank you for “{{title}}”. We have read it and cannot use it this time. Please do write to us again.\n\n{{newsroom}}',
    isOn: true,
  },
  'please-change': {
    subject: 'A question about “{{title}}”',
    body: 'Hello {{name}},\n\nthank you for “{{title}}”. We would like to take it, and ask you to change this first:\n\n…\n\n{{newsroom}}',
    isOn: true,
  },
}

const placeholder = /\{\{([^{}]*)\}\}/g

/** Puts values into the braces. Nothing in a value is read as a placeholder again. */
export function fill(text: string, values: Values): string {
  return text.replace(placeholder, (whole, given: string) => {
    const name = given.trim()
    return Object.hasOwn(values, name) ? values[name as keyof Values] : whole
  })
}

function wording(max: number) {
  return z
    .string()
    .transform((text) => text.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '').trim())
    .transform((text) => (isVisible(text) ? text : ''))
    .pipe(
      z
        .string()
        .min(1, 'Please write something.')
        .max(max, `Please keep this to ${max.toLocaleString('en')} characters.`)
        .refine(knowsAll, `Only these may stand in braces: ${Object.keys(placeholders).join(', ')}.`),
    )
}

const Wording = z.object({
  subject: wording(200).refine((text) => !text.includes('\n'), 'Please keep this on one line.'),
  body: wording(20_000),
  isOn: z.boolean(),
})

function knowsAll(text: string): boolean {
  return [...text.matchAll(placeholder)].every(([, name = '']) => Object.hasOwn(placeholders, name.trim()))
}

/** A letter as an admin worded it. @throws Failure `invalid` with every faulty field. */
export function parseLetter(given: unknown): Letter {
  const parsed = Wording.safeParse(given)
  if (parsed.success) return parsed.data
  const fields: FieldErrors = {}
  for (const { path, message } of parsed.error.issues) {
    const field = String(path[0])
    fields[field] = [...(fields[field] ?? []), message]
  }
  throw new Failure('invalid', 'Some fields need another look.', { fields })
}

/** What the placeholders stand for in a letter that is read on the status page only. */
export function valuesFor(submission: Submission, fields: Fields, newsroom: string): Values {
  const title = isolated(titleOf(fields) ?? `your ${kindNames[submission.kind].toLowerCase()}`)
  return { name: isolated(fields.name ?? 'there'), title, reference: submission.reference, newsroom }
}

/**
 * What they stand for in a letter that goes out by itself: nothing that its sender wrote, for the address may be somebody
 * else's, whom they want to have written to in our name.
 */
export function mailValuesFor(submission: Submission, newsroom: string): Values {
  const title = submission.isConfidential
    ? 'what you sent'
    : `your ${kindNames[submission.kind].toLowerCase()}`
  return { name: 'there', title, reference: submission.reference, newsroom }
}
