import type { SecurityEvent } from '../audit/security-event.ts'
import { addressOf } from '../core/email-address.ts'
import { Failure } from '../core/errors.ts'
import { internet } from '../core/public-fetch.ts'
import { protecting } from '../outbound-mail/pgp/encrypt.ts'
import type { PgpKey, Protection } from '../outbound-mail/pgp/key.ts'
import { makeNewsroomKey, publicHalf } from '../outbound-mail/pgp/newsroom-key.ts'
import { newsroomKey } from '../outbound-mail/pgp/newsroom-key-file.ts'
import { joinedPgpKeys, readPgpKey, whyUnusable } from '../outbound-mail/pgp/read-key.ts'
import { lookUpPgpKeys } from '../outbound-mail/pgp/wkd.ts'
import type { App } from './context.ts'

/** The editors' PGP keys, and the one that the newsroom signs with. */
export type Pgp = {
  /** How mail to this address leaves. */
  protectionOf: (address: string) => Promise<Protection>
  /** Keeps the key that an editor gave. @throws Failure `invalid` for what is no key that can be used */
  givePgpKey: (editorId: string, given: Uint8Array, event: SecurityEvent) => Promise<void>
  /** Asks the domain of this address for its key, and keeps it. @throws Failure `invalid` where there is none to be used */
  lookUpPgpKey: (editorId: string, address: string, event: SecurityEvent) => Promise<void>
  /** What editors verify our mail with. */
  newsroomKey: () => Promise<{ armored: string; fingerprint: string }>
}

export function createPgp({ config, storage, outside }: App): Pgp {
  const { now } = outside
  const { local, domain } = addressOf(config.MAIL_FROM)
  const owner = { name: config.NEWSROOM_NAME, email: `${local}@${domain}` }
  const ownKey = () => newsroomKey(config.DATA_DIR, () => makeNewsroomKey(owner, now()))
  return {
    protectionOf: protecting({ keyFor: storage.pgpKeys.ofAddress, newsroomKey: ownKey, now }),
    givePgpKey: async (editorId, given, event) =>
      keep(editorId, [await readPgpKey(given, now())], false, event),
    lookUpPgpKey: async (editorId, address, event) =>
      keep(editorId, await lookUpPgpKeys(address, outside.internet ?? internet, now()), true, event),
    newsroomKey: async () => publicHalf(await ownKey()),
  }

  /**
   * Keeps the first that can be used. The same key as before, joined with what was known of it, is kept in any case: that
   * it was revoked is worth knowing.
   * @throws Failure `invalid` where there is neither
   */
  async function keep(
    editorId: string,
    given: PgpKey[],
    wasLookedUp: boolean,
    event: SecurityEvent,
  ): Promise<void> {
    const before = await storage.pgpKeys.of(editorId)
    const keys = await Promise.all(given.map((key) => joinedPgpKeys(before, key, now())))
    const errors = await Promise.all(keys.map((key) => whyUnusable(key, now())))
    const good = keys.find((_key, i) => errors[i] === undefined)
    const key = good ?? keys.find(({ fingerprint }) => fingerprint === before?.fingerprint)
    if (!key) throw new Failure('invalid', errors[0] ?? '')
    const noted = { event: { ...event, detail: key.fingerprint }, at: now() }
    await storage.pgpKeys.keep(editorId, { ...key, wasLookedUp, givenAt: now() }, noted)
  }
}
