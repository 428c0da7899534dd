import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** What an address of ours with a token in it is for: answering a job, telling that it bounced, coming back to us. */
export type MailTokenUse = 'reply' | 'bounce' | 'canary'

const marks: Record<MailTokenUse, string> = { reply: '', bounce: 'b', canary: 'c' }
const signatureLength = 13
const shape = new RegExp(`^([bc]?)([\\da-f]{32})([\\da-f]{${signatureLength}})$`)

/**
 * The token of a reply address: which delivery is answered, hence which editor or sender and which submission, and a
 * signature, so that nobody can make one up. At most 46 characters, for a mailbox name may have 64 (RFC 5321,
 * 4.5.3.1.1), and in small hexadecimal digits, for some programs write addresses in another case.
 */
export function mailToken(key: KeyObject, use: MailTokenUse, jobId: string): string {
  return marks[use] + jobId.replaceAll('-', '') + signature(key, use, jobId)
}

/** What a token says, if it is one of ours. */
export function readMailToken(key: KeyObject, token: string): { use: MailTokenUse; id: string } | undefined {
  const [, mark, digits = '', signed = ''] = shape.exec(token.toLowerCase()) ?? []
  const use = (Object.keys(marks) as MailTokenUse[]).find((one) => marks[one] === mark)
  if (!use || !digits) return undefined
  const id = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const isOurs = timingSafeEqual(Buffer.from(signed), Buffer.from(signature(key, use, id)))
  return isOurs ? { use, id } : undefined
}

function signature(key: KeyObject, use: MailTokenUse, jobId: string): string {
  return createHmac('sha256', key).update(`${use}\0${jobId}`).digest('hex').slice(0, signatureLength)
}

export type MailAddress = { local: string; domain: string }

/** The parts of an address, whether or not a name stands before it. The domain is in small letters. */
export function addressOf(mailbox: string): MailAddress {
  const address = /<([^<>]+)>$/.exec(mailbox)?.[1] ?? mailbox
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, at), domain: address.slice(at + 1).toLowerCase() }
}

/** The address with a tag behind a plus, as `tips+TAG@example.org` (RFC 5233). */
export function tagged({ local, domain }: MailAddress, tag: string): string {
  return `${local}+${tag}@${domain}`
}

/** Takes a tagged address apart. */
export function untagged(address: string): MailAddress & { tag: string | undefined } {
  const { local, domain } = addressOf(address)
  const plus = local.indexOf('+')
  if (plus <= 0) return { local, domain, tag: undefined }
  return { local: local.slice(0, plus), domain, tag: local.slice(plus + 1) }
}

/** Two names of one service, where dots in a mailbox's name do not count: https://support.google.com/mail/answer/7436150 */
const gmail = new Set(['gmail.com', 'googlemail.com'])

/** The mailbox behind an address, to count by: without a tag, in small letters, its domain as DNS has it. */
export function mailboxOf(address: string): string {
  const { local, domain } = untagged(address.replace(/(?<!\.)\.+$/, ''))
  const url = `http://${domain}`
  const host = URL.canParse(url) ? new URL(url).hostname : domain
  const name = local.toLowerCase()
  return gmail.has(host) ? `${name.replaceAll('.', '')}@gmail.com` : `${name}@${host}`
}

/** How a job’s mail is named: the same job always has the same Message-ID. */
export function messageIdOf(jobId: string, domain: string): string {
  return `<${jobId}@${domain}>`
}
