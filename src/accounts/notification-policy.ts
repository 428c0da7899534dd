import { z } from 'zod'
import { Kind, kinds } from '../db/values.ts'
import type { Attention } from '../submissions/presence.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** When an editor hears of submissions: of each one, of all together at chosen hours, or only of those they have claimed. */
const rhythms = ['at-once', 'digest', 'claimed'] as const
export type Rhythm = (typeof rhythms)[number]

export const rhythmNames: Record<Rhythm, string> = {
  'at-once': 'At once: a mail for each piece',
  digest: 'A digest: one mail at the hours I choose',
  claimed: 'Only what I have claimed',
}

export const NoticePolicy = z.object({
  rhythm: z.enum(rhythms),
  /** Full hours of the day, in the editor's time zone, at which a digest is sent. */
  hours: z.array(z.number().int().min(0).max(23)).max(24),
  /** An IANA time zone. */
  timeZone: z.string().refine(isTimeZone, 'Please choose a time zone.'),
  /** The kinds that the editor wants to hear of. */
  kinds: z.array(Kind),
})
export type NoticePolicy = z.infer<typeof NoticePolicy>

export const defaultPolicy: NoticePolicy = {
  rhythm: 'at-once',
  hours: [8, 16],
  timeZone: 'UTC',
  kinds: [...kinds],
}

/** Messages that follow each other within this time ride in one mail. */
export const gatheringTime = 5 * minute

/** How long a submission that was told of, and not opened, is not told of again. */
const quietTime = day

/**
 * More submissions than this within the span are a burst: everyone gets one digest for it instead of a mail a
 * submission.
 */
export const burst = { submissions: 20, span: 10 * minute }

/**
 * More submissions than this within the span may be the beginning of a burst: they are told of when the span is over,
 * if it is none.
 */
export const crowd = { submissions: 5, span: minute }

/** A burst that does not end is told of after this time. */
export const longestBurst = 60 * minute

/** A message of a sender, as far as it matters to who hears of it. */
type News = { kind: Kind; isOpening: boolean; assigneeId: string | null; at: number }

/**
 * When this editor is mailed about a message that came in: at a time, or not (undefined), for it is left to a digest,
 * not wanted, or they were told and have not looked since.
 */
export function noticeTime(
  editor: { id: string; policy: NoticePolicy },
  news: News,
  attention: Pick<Attention, 'openedAt' | 'notifiedAt'>,
  now: number,
): number | undefined {
  if (!wants(editor, news)) return undefined
  if (wasNotified(attention, now)) return undefined
  return news.isOpening ? now : Math.max(now, news.at + gatheringTime)
}

function wants({ id, policy }: { id: string; policy: NoticePolicy }, news: News): boolean {
  // Who has claimed a submission waits for the answer to it, however they hear of the others.
  if (news.assigneeId === id) return true
  return policy.rhythm === 'at-once' && policy.kinds.includes(news.kind)
}

function wasNotified(
  { openedAt, notifiedAt }: Pick<Attention, 'openedAt' | 'notifiedAt'>,
  now: number,
): boolean {
  if (notifiedAt === null || now - notifiedAt >= quietTime) return false
  return openedAt === null || openedAt < notifiedAt
}

/** The next time after `now` at which a digest is due; undefined where no hour is chosen. */
export function nextDigestAt(policy: NoticePolicy, now: number): number | undefined {
  // Looked for by quarters of an hour, for that is how far time zones are apart from full hours.
  const quarter = 15 * minute
  const first = (Math.floor(now / quarter) + 1) * quarter
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: policy.timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  for (let at = first; at < first + 2 * day; at += quarter) {
    const [hour, minutes] = format.format(at).split(':').map(Number)
    if (minutes === 0 && policy.hours.includes(hour as number)) return at
  }
  return undefined
}

/** Names that have been found good: looking one up is dear, and each list reads the policy of every editor. */
const timeZones = new Set<string>()

function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    timeZones.add(name)
    return true
  } catch {
    return false
  }
}
