import { z } from 'zod'
import { type Kind, kinds, type State } from '../db/values.ts'
import { isConfidentialKind, type Submission } from './model.ts'

const day = 86_400_000

/** So long before a submission is erased its editors are told. */
export const warnedAhead = 7 * day

/** Days after the last activity; 0 for as long as nobody erases it by hand. */
const Days = z.coerce.number().int().min(0).max(36_500)
const warned = Days.refine(
  (days) => days === 0 || days * day > warnedAhead,
  'Editors are told a week ahead: please give 0, or at least 8 days.',
)

/** After how many days a submission that was not accepted is erased: by its kind, or what else is told of it. */
export const RetentionRules = z.object({
  ...(Object.fromEntries(kinds.map((kind) => [kind, warned])) as Record<Kind, typeof warned>),
  /** Of a kind that is not confidential, and marked as confidential. */
  marked: warned,
  spam: Days,
})
export type RetentionRules = z.infer<typeof RetentionRules>
type RetentionRule = keyof RetentionRules

export const defaultRetention: RetentionRules = {
  'guest-post': 0,
  expose: 90,
  'news-tip': 90,
  'story-angle': 0,
  'human-interest': 0,
  marked: 90,
  spam: 30,
}

/** The states in which a submission is not kept for good, spam apart. */
export const undecidedStates = ['waiting', 'in-review', 'declined'] as const satisfies readonly State[]

type RetainedSubmission = Pick<
  Submission,
  'kind' | 'state' | 'isConfidential' | 'legalHold' | 'activeAt' | 'warnedAt'
>

/** When a submission will be erased if nothing happens to it; undefined for one that is kept. */
export function erasedAt(submission: RetainedSubmission, rules: RetentionRules): number | undefined {
  const days = rules[ruleOf(submission)]
  if (submission.legalHold || submission.state === 'accepted' || days === 0) return undefined
  const due = submission.activeAt + days * day
  if (submission.state === 'spam' || submission.warnedAt === null) return due
  return Math.max(due, submission.warnedAt + warnedAhead)
}

/**
 * True if its editors were told a week before these rules erase it. Where they keep it for longer than those that it was
 * told of by, they are to be told again.
 */
export function isWarnedFor(submission: RetainedSubmission, rules: RetentionRules): boolean {
  if (submission.warnedAt === null || submission.state === 'spam') return false
  const at = erasedAt(submission, rules)
  return at !== undefined && at <= submission.warnedAt + warnedAhead
}

function ruleOf({
  kind,
  state,
  isConfidential,
}: Pick<RetainedSubmission, 'kind' | 'state' | 'isConfidential'>) {
  return state === 'spam' ? 'spam' : undecidedRuleOf(kind, isConfidential)
}

function undecidedRuleOf(kind: Kind, isConfidential: boolean): RetentionRule {
  return isConfidential && !isConfidentialKind(kind) ? 'marked' : kind
}

/** Which submissions a rule is for, spam apart. */
export const retentionCells: { kind: Kind; isConfidential: boolean; rule: RetentionRule }[] = kinds.flatMap(
  (kind) =>
    [false, true].map((isConfidential) => ({
      kind,
      isConfidential,
      rule: undecidedRuleOf(kind, isConfidential),
    })),
)

/** What was last active before this is due under a rule; undefined for a rule that keeps everything. */
export function dueBefore(rules: RetentionRules, rule: RetentionRule, now: number): number | undefined {
  return rules[rule] === 0 ? undefined : now - rules[rule] * day
}

/** True if an editor is to be told of a submission: they have claimed it, or nobody has who still is one. */
export function concerns(
  { assigneeId }: Pick<Submission, 'assigneeId'>,
  editorId: string,
  editorIds: string[],
): boolean {
  return assigneeId === editorId || assigneeId === null || !editorIds.includes(assigneeId)
}
