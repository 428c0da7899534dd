import { addressOf, untagged } from './email-address.ts'

/** “Do not reply”, as mailbox names say it, without what stands between the words. */
const pleas = [
  ...['noreply', 'donotreply', 'dontreply', 'notreply', 'noanswer'],
  ...['nepasrepondre', 'noresponder', 'norespondas', 'nocontestar', 'naoresponda', 'nonrispondere'],
  ...['nichtantworten', 'keineantwort', 'nietbeantwoorden', 'nieodpowiadaj', 'usijibu'],
  ...['autoreply', 'autorespon', 'autoconfirm', 'autonotif', 'automailer'],
]
const programs = new Set([
  ...['mailer', 'mailerdaemon', 'maildaemon', 'daemon', 'postmaster', 'majordomo', 'listserv', 'listproc'],
  ...['mailman', 'sympa', 'ezmlm', 'uucp', 'cron', 'wwwdata', 'apache', 'nobody', 'devnull', 'blackhole'],
])
/** Where lists keep what concerns them, and where mail comes back to: behind it often stands whose mail it was. */
const ofLists = /^owner-|-(?:owner|request|errors?|subscribe|unsubscribe)$/
const ofBounces = /^bounces?$|^bounces?[-=]?\d|^bounces?=|-bounces?$/
const domainOfNobody = /(?:^|\.)(?:no-?reply|bounces?)\./

/**
 * True if this address looks like one that no person reads: a program must not write to it by itself, for it would be
 * answered by another program, or sent back (RFC 3834, 2; RFC 2142, 4). A person may.
 */
export function isReadByNobody(address: string): boolean {
  const local = untagged(address).local.toLowerCase()
  const parted = local.replace(/[._\s"]+/g, '-')
  const whole = parted.replaceAll('-', '')
  return (
    pleas.some((plea) => whole.startsWith(plea) || whole.endsWith(plea)) ||
    programs.has(whole) ||
    ofLists.test(parted) ||
    ofBounces.test(parted) ||
    domainOfNobody.test(addressOf(address).domain)
  )
}
