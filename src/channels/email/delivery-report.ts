import { away, delay, end, failure } from './delivery-report-phrases.ts'

/** What became of a mail, as far as another mail tells it. */
type Fate = 'failed' | 'delayed' | 'delivered' | 'unclear'

/** What a mail tells of the fate of another: every mail is looked at so, and most tell nothing. */
export type Report = {
  /** It is a report by its form (RFC 6522), about a job or something else. */
  isReport: boolean
  /** Its sender calls itself a mail system. */
  isFromDaemon: boolean
  fate: Fate
  /** As `5.1.1` (RFC 3463); undefined where it gives none. */
  status: string | undefined
  /** The Message-IDs of mails that it may be about, the likeliest first. */
  about: string[]
  /** Addresses with a tag that it holds, as our return paths are. */
  tagged: string[]
}

/** What is looked at. */
export type Evidence = {
  /** The media type of the whole. */
  type: string
  /** What the report is about, as its media type says: `delivery-status`. */
  reportType: string | undefined
  from: { address?: string | undefined; name: string } | undefined
  subject: string
  /** `X-Failed-Recipients`. */
  namesFailed: boolean
  /** It says of itself that it is an automatic reply (RFC 3834, and custom). */
  isAutoReply: boolean
  /** The mails that its header says it answers. */
  references: string[]
  plain: string
  html: string
  /** The beginnings of the parts that are no text to be read, such as the mail that did not arrive. */
  attached: { type: string; text: string }[]
}

/** So much of the text, and of each part, is looked at. Characters. */
export const mostEvidence = 64 * 1024

/** More names are no report, and would only cost looking for. */
const mostNames = 20

/** Reads what a mail tells of the fate of another: by the fields of RFC 3464, or by codes and words. */
export function reportIn(evidence: Evidence): Report {
  const { attached } = evidence
  const text = (evidence.plain.trim() || withoutTags(evidence.html)).slice(0, mostEvidence)
  const everything = [...attached.map((part) => part.text), text].join('\n\n')
  const isFromDaemon = isDaemon(evidence)
  const aboutInText = messageIdsIn(everything)
  const { fate, status } = fateIn(evidence, everything, () =>
    inWords(evidence, text, isFromDaemon, aboutInText.length > 0),
  )
  return {
    isReport: isReport(evidence),
    isFromDaemon,
    fate,
    status,
    about: [...new Set([...aboutInText, ...evidence.references.toReversed()])].slice(0, mostNames),
    tagged: [...new Set(everything.match(taggedAddress) ?? [])].slice(0, mostNames),
  }
}

type ReportOutcome = { fate: Fate; status: string | undefined }
const unclear: ReportOutcome = { fate: 'unclear', status: undefined }

function fateIn(evidence: Evidence, everything: string, words: () => ReportOutcome): ReportOutcome {
  const { attached, reportType } = evidence
  const about =
    reportType?.toLowerCase() ??
    attached.find(({ type }) => isNotice.test(type))?.type.slice('message/'.length)
  switch (about?.replace('global-', '')) {
    case 'delivery-status':
    case undefined: {
      const fields = fieldsIn(attached.some(({ type }) => isStatus(type)) ? statusOf(attached) : everything)
      if (fields.fate !== 'unclear') return fields
      const outcome = words()
      return outcome.fate === 'unclear' ? unclear : { ...outcome, status: fields.status ?? outcome.status }
    }
    case 'disposition-notification': {
      // That somebody has seen it, or some mailboxes in this form that they do not take it.
      const outcome = discarded.test(everything) ? words() : unclear
      return outcome.fate === 'failed' ? outcome : { fate: 'delivered', status: undefined }
    }
    default:
      return unclear
  }
}

const isNotice = /^message\/(?:global-)?(?:delivery-status|disposition-notification)$/i
const discarded = /^Disposition:.{0,100}(?:deleted|denied|failed|error)/im

function isReport({ type }: Evidence): boolean {
  return type.toLowerCase() === 'multipart/report'
}

function isStatus(type: string): boolean {
  return /^message\/(?:global-)?delivery-status$/i.test(type)
}

function statusOf(attached: Evidence['attached']): string {
  return attached
    .filter(({ type }) => isStatus(type))
    .map(({ text }) => text)
    .join('\n\n')
}

/** What the fields for each recipient say: of several, that one did not get it says most. */
function fieldsIn(text: string): ReportOutcome {
  const actions = [...text.matchAll(/^[>\s]{0,10}Action:[ \t]*([a-z]+)/gim)].map(([, one = '']) =>
    one.toLowerCase(),
  )
  const codes = [...text.matchAll(/^[>\s]{0,10}Status:[ \t]*(\d\.\d{1,3}\.\d{1,3})/gim)].map(
    ([, one = '']) => one,
  )
  const status = codes.find((code) => code.startsWith('5')) ?? codes[0]
  if (actions.some((one) => one.startsWith('fail'))) return { fate: 'failed', status }
  if (actions.some((one) => one.startsWith('delay'))) return { fate: 'delayed', status }
  if (actions.some((one) => /^(?:deliver|relay|expand)/.test(one)) || status?.startsWith('2'))
    return { fate: 'delivered', status }
  // A report that names no such action, and a lasting failure, can mean one thing only.
  return { fate: status?.startsWith('5') ? 'failed' : 'unclear', status }
}

/**
 * What codes and words say, in the subject and above the mail that is quoted. Whoever is away may use the same words: so
 * those of a person's own program count only with a code, in its subject, or together with the mail that they are about.
 */
function inWords(
  evidence: Evidence,
  text: string,
  isFromDaemon: boolean,
  isAboutMail: boolean,
): ReportOutcome {
  const { namesFailed } = evidence
  const subject = ownSubject(evidence)
  const explained = aboveQuoted(text)
  const isAway =
    !isReport(evidence) &&
    !isFromDaemon &&
    !namesFailed &&
    (away.test(evidence.subject) || (evidence.isAutoReply && !tellsOfFate(subject, explained)))
  if (isAway) return unclear
  const bySubject = fateOf(subject)
  const found = [fateOf(`${subject}\n${explained}`), fateOf(text)].find(({ fate }) => fate !== 'unclear')
  if (!found) return namesFailed ? { fate: 'failed', status: undefined } : unclear
  const isSure =
    isReport(evidence) ||
    isFromDaemon ||
    namesFailed ||
    isAboutMail ||
    found.hasCode ||
    bySubject.fate !== 'unclear'
  return isSure ? found : unclear
}

/** What is only repeated of our own subject says nothing. */
function ownSubject({ subject }: Evidence): string {
  return /^\W*(?:re|aw|sv|vs|odp|antw|ref|rv|res|rif|ynt|回复|答复|返信)\s*(?:\[\d+\])?\s*[:：]/iu.test(
    subject,
  )
    ? ''
    : subject
}

/** By a code, or by its subject: an automatic reply that does neither is somebody's who is away. */
function tellsOfFate(subject: string, explained: string): boolean {
  return failure.test(subject) || delay.test(subject) || codesIn(explained).isAny
}

function fateOf(text: string): ReportOutcome & { hasCode: boolean } {
  const { status, isLasting, isPassing, isAny: hasCode } = codesIn(text)
  const isEnd = end.test(text)
  if (delay.test(text) && !isEnd) return { fate: 'delayed', status, hasCode }
  if (isEnd || isLasting || failure.test(text)) return { fate: 'failed', status, hasCode }
  return { fate: isPassing ? 'delayed' : 'unclear', status, hasCode }
}

/**
 * Enhanced codes (RFC 3463) where it shows that they are none of a program's version, and replies of SMTP where a server is
 * quoted with them (RFC 5321, 4.2), so that no house number is taken for one.
 */
const enhancedCode =
  /(?:\b[45]\d\d[\s-]{1,4}|#\s?|[([]|(?:status|code|dsn|smtp)\S{0,3}\s{0,3})([45]\.[0-7]\.\d{1,3})(?![\d.]*\d)/gi
const replyCode =
  /(?:said|says|replied|respon\w{1,8}|answer\w{0,4}|error|reason|diagnostic\S{0,8}|code|server|host|smtp|<<<)[:;\s]{1,5}([45](?:[0-57]\d))(?=[\s-]+\D|[:)])/gi

function codesIn(text: string) {
  const enhanced = [...text.matchAll(enhancedCode)].map(([, code = '']) => code)
  const replies = [...text.matchAll(replyCode)].map(([, code = '']) => code)
  const all = [...enhanced, ...replies]
  return {
    status: enhanced.find((code) => code.startsWith('5')) ?? enhanced[0],
    isAny: all.length > 0,
    isLasting: all.some((code) => code.startsWith('5')),
    isPassing: all.some((code) => code.startsWith('4')),
  }
}

/** Where the mail begins that a report quotes: at a line that says so, or at its header. */
const quoted = [
  /^.{0,80}(?:(?:copy|text|headers?|contents?) of (?:the|your) .{0,30}(?:message|mail)|(?:original|returned|undelivered|unsent|rejected) (?:message|mail)\b.{0,40}(?:follows|headers?|below|attached|-{3,}|:$)).{0,80}$/im,
  /^[>|\s]{0,10}(?:Received|Return-Path|Message-ID|DKIM-Signature|MIME-Version|Date|From|Subject):.{0,998}\n[>|\s]{0,10}(?:[\w-]{2,40}:|\s)/im,
]

function aboveQuoted(text: string): string {
  const starts = quoted.map((pattern) => pattern.exec(text)?.index ?? text.length)
  return text.slice(0, Math.min(...starts))
}

const daemonAddress =
  /^(?:mail(?:er)?[-_. ]?daemon|mail[-_. ]?deliver|mailer@|postmaster|m(?:icrosoft)?exchange|double-?bounce|bounces?@)/i
const daemonName =
  /^\W*(?:mail(?:er)?[-_. ]?daemon|(?:internet )?mail[-_. ]deliver|delivery sub|mail administrator|system administrator|mail system\b|postmaster\b|microsoft outlook$)/i

/** A program that answers by itself and does not say who it is, is no person's either. */
function isDaemon({ from, isAutoReply }: Evidence): boolean {
  if (!from?.address && !from?.name) return isAutoReply
  return daemonAddress.test(from.address ?? '') || daemonName.test(from.name)
}

/**
 * A Message-ID beside its field's name, whatever stands before that; then any that could be one of ours: a UUID at a
 * domain.
 */
const namedId =
  /(?:message|original|msg)-?\s?id[:=\s]{1,10}[<[]?([^<>()[\]\s"]{1,200}@[^<>()[\]\s"]{1,200})/gi
const uuidId = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}@[a-z\d.-]{1,253}/gi
const answeringField = /^[>|\s]{0,10}(?:references|in-reply-to|thread-index):.*(?:\r?\n[>|]?[ \t].*)*/gim

function messageIdsIn(text: string): string[] {
  const outcome = text.replace(answeringField, '')
  const named = [...outcome.matchAll(namedId)].map(([, id = '']) => id)
  return [...named, ...(outcome.match(uuidId) ?? [])].map((id) => `<${id.replace(/(?<![.,;])[.,;]+$/, '')}>`)
}

const taggedAddress = /[\w.-]{1,40}\+[\da-z]{20,60}@[a-z\d.-]{1,253}/gi

/** Enough to look for words and names in. */
function withoutTags(html: string): string {
  return html
    .slice(0, 4 * mostEvidence)
    .replace(/<(?:style|script|head)\b[^<>]*>[^<]*(?=<)/gi, ' ')
    .replace(/<(?:br|p|div|tr|li|h\d)\b[^<>]*>/gi, '\n')
    .replace(/<\/?[a-z!][^<>]*>/gi, ' ')
    .replace(/&(?:lt|#60);/gi, '<')
    .replace(/&(?:gt|#62);/gi, '>')
    .replace(/&(?:nbsp|#160);/gi, ' ')
    .replace(/&#39;|&apos;|&rsquo;/gi, '’')
    .replace(/&amp;/gi, '&')
}
