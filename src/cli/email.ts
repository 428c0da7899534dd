import { hostname } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Application } from '../app/app.ts'
import type { EmailChannel } from '../app/email.ts'
import { dkimSelector } from '../app/jobs.ts'
import { mailsIn } from '../channels/email/mbox.ts'
import type { InboundResult } from '../channels/email/router.ts'
import { type Config, hasInboundMail } from '../config.ts'
import { addressOf } from '../core/email-address.ts'
import { Failure } from '../core/errors.ts'
import { JobError } from '../jobs/job.ts'

export type Print = (line: string) => void

const second = 1000

/** For so long a mail to ourselves is waited for. */
const patience = 120 * second
const pause = second / 2

/** Sends a mail to ourselves and waits for it to come back in, which a running `npm start` has to see. */
export async function checkMail(
  { sendCanary, storage }: Application,
  config: Config,
  print: Print,
  signal: AbortSignal,
): Promise<number> {
  const [canSend, canHear] = [config.SMTP_URL !== undefined, hasInboundMail(config)]
  if (!canSend) print('SMTP_URL is not set: mail is kept as files, and goes nowhere.')
  if (!canHear) print('Neither EMAIL_LISTEN nor IMAP_URL is set: no mail comes in.')
  if (!canSend || !canHear) return 1
  const begun = Date.now()
  print(`A mail goes out through ${new URL(config.SMTP_URL ?? '').host} …`)
  let id: string
  try {
    id = await sendCanary()
  } catch (error) {
    if (!(error instanceof JobError)) throw error
    print(`The mail server did not take it: ${error.code}`)
    return 1
  }
  print('It was taken. Waiting for it to come back …')
  while (Date.now() - begun < patience && !signal.aborted) {
    const back = await storage.mail.canary(id)
    if (back) {
      print(
        `It came back after ${((back.cameAt - begun) / second).toFixed(1)} seconds. Mail goes out and comes in.`,
      )
      return 0
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined)
  }
  const { local, domain } = addressOf(config.EMAIL_REPLY_ADDRESS)
  print(`It has not come back within ${patience / second} seconds. Is “npm start” running? Does mail to`)
  print(`${local}+anything@${domain} reach ${config.EMAIL_LISTEN ?? 'the mailbox of IMAP_URL'}?`)
  return 1
}

/** What DNS has to say, so that other servers believe our mail and find us. */
export function dnsLines(config: Config, dkim: string): string[] {
  const from = addressOf(config.MAIL_FROM).domain
  const takers = new Set([
    ...config.EMAIL_ADDRESSES.map(({ domain }) => domain),
    addressOf(config.EMAIL_REPLY_ADDRESS).domain,
  ])
  const host = config.PUBLIC_URL.hostname === 'localhost' ? hostname() : config.PUBLIC_URL.hostname
  return [
    'Every mail is signed from the next start on. DNS has to say:',
    '',
    `; Our key (DKIM). As one string, or as several in quotation marks of at most 255 letters each.`,
    `${dkimSelector}._domainkey.${from}. TXT ${inStrings(dkim)}`,
    '',
    `; Who may send for ${from} (SPF). If there is such a record already, add to it: there may be one only.`,
    `${from}. TXT "v=spf1 mx a:${host} ~all"`,
    '',
    '; What others are to do with mail that is not ours (DMARC). Begin with p=none, and tighten it when all is well.',
    `_dmarc.${from}. TXT "v=DMARC1; p=quarantine; adkim=r; aspf=r"`,
    '',
    '; Where mail to us goes (MX). Only where this machine itself takes the mail of that domain.',
    ...[...takers].map((domain) => `${domain}. MX 10 ${host}.`),
  ]
}

/** A string of DNS has at most 255 bytes (RFC 1035, 3.3). */
function inStrings(text: string): string {
  return (text.match(/.{1,255}/g) ?? []).map((part) => `"${part}"`).join(' ')
}

/** Takes the mails of an archive in, each once, however often it is called. */
export async function importMail(
  path: string,
  take: EmailChannel['take'],
  print: Print,
  signal: AbortSignal,
): Promise<number> {
  const counts = new Map<InboundResult | 'refused', number>()
  try {
    for await (const { name, open } of mailsIn(path)) {
      if (signal.aborted) break
      const what = await takeOne(open, take).catch((error: unknown) => {
        if (!(error instanceof Failure) || error.code === 'unavailable') throw error
        print(`${name}: ${error.message}`)
        return 'refused' as const
      })
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'ENOENT' && code !== 'EACCES' && !(error instanceof Failure)) throw error
    print(error instanceof Failure ? error.message : `${path} cannot be read.`)
    return 1
  } finally {
    for (const [what, count] of counts) print(`${count} ${importedNames[what]}`)
  }
  return counts.has('refused') ? 1 : 0
}

function takeOne(open: () => Readable, take: EmailChannel['take']): Promise<InboundResult> {
  return take(open(), { from: undefined, to: undefined, isImported: true })
}

const importedNames: Record<InboundResult | 'refused', string> = {
  received: 'new',
  repeat: 'there already',
  joined: 'joined to a conversation that is there',
  done: 'done as their editors asked',
  quarantined: 'held, to be looked at on the desk',
  bounce: 'told of mail that did not arrive',
  canary: 'sent by ourselves',
  kept: 'kept as they came, to be looked at on the desk',
  ignored: 'of no effect',
  refused: 'refused',
}
