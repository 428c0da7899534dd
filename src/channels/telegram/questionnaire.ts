import { type Step, steps } from '../../db/values.ts'
import { fieldRules } from '../../submissions/incoming.ts'
import { categories, writtenLanguages } from '../../submissions/suggestions.ts'
import { type Draft, type DraftItem, linesOf } from '../chat/draft.ts'
import type { ChatWords } from '../chat/words/words.ts'
import { type Answer, type Buttons, button } from './keyboards.ts'

/** What the form for guest posts demands, and a conversation too. */
const rules = fieldRules['guest-post'].shape

/** True if the person is being asked for one thing, and what they say is the answer. */
export function isAsking(step: Step | null): step is Exclude<Step, 'body' | 'review'> {
  return step !== null && step !== 'body' && step !== 'review'
}

/** The question of a step, with what can be pressed instead of writing. */
export function question(words: ChatWords, draft: Pick<Draft, 'id'>, step: Step): Answer {
  const { id } = draft
  const position = words.stepOf(steps.indexOf(step) + 1, steps.length - 1)
  const suggested = suggestionsFor(step).map((text, n) => button(text, 'pick', id, step, n))
  const ways = [
    ...(step === 'title' ? [] : [button(words.back, 'back', id, step)]),
    ...(isOptional(step) ? [button(words.skip, 'skip', id, step)] : []),
    ...(step === 'body' ? [button(words.next, 'next', id, step)] : []),
  ]
  const buttons: Buttons = [
    ...inPairs(suggested),
    ...(step === 'consent' ? [[button(words.yes, 'yes', id)]] : []),
    ...(ways.length > 0 ? [ways] : []),
  ]
  const text = step === 'review' ? words.questions.review : `${position}. ${words.questions[step]}`
  return { text, ...(buttons.length > 0 && { buttons }) }
}

function isOptional(step: Step): boolean {
  return step !== 'body' && step !== 'review' && rules[step].safeParse(undefined).success
}

/** What is wrong with an answer, in sentences; none if it will do. */
export function errorsIn(step: Exclude<Step, 'body' | 'review'>, words: string): string[] {
  const parsed = rules[step].safeParse(step === 'links' ? linesOf(words) : words)
  return parsed.success ? [] : [...new Set(parsed.error.issues.map((issue) => issue.message))]
}

/** The first question that has to be answered and is not. */
export function missingStep(given: DraftItem[]): Step | undefined {
  const answered = new Set(given.map(({ field }) => field))
  const hasBody = given.some(({ field }) => field === null || field === 'body')
  return steps.find((step) => {
    if (step === 'review') return false
    return step === 'body' ? !hasBody : !isOptional(step) && !answered.has(step)
  })
}

export function suggestionsFor(step: Step): string[] {
  if (step === 'category') return categories
  return step === 'language' ? writtenLanguages : []
}

function inPairs<T>(items: T[]): T[][] {
  return items.flatMap((_, i) => (i % 2 === 0 ? [items.slice(i, i + 2)] : []))
}
