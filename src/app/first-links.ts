import type { SetUpLink } from '../accounts/first-run.ts'
import type { KeyStep } from '../accounts/keyring/key-step.ts'
import type { LinkMaker } from '../accounts/sign-in-link.ts'
import { type App, hour } from './context.ts'

/** So many of the links that starts have printed stay good for an editor. */
const mostLinks = 5

/**
 * Makes the desk key, with a link for each editor that bears it. A key is nobody's until somebody has come in by such a
 * link: as long as that is so, and nothing is encrypted, every start makes both anew and prints the links, for nobody
 * can know whether the ones before were seen. Those stay good too, on other machines for instance. Gives the links that
 * were made.
 *
 * With it goes what an earlier version could leave half done: keys of people who are no editors any more.
 */
export async function firstLinks(
  { config, storage, keyRing, outside }: App,
  signInLink: LinkMaker,
  { isStart }: { isStart: boolean },
): Promise<SetUpLink[]> {
  if (config.OFFLINE_DESK_KEY) return []
  if (!isStart && (await keyRing.hasBegun())) return []
  const editors = await storage.editors.active()
  const haveSetUp = await Promise.all(editors.map(({ id }) => storage.factors.hasSetUp(id)))
  return keyRing.together(async (step) => {
    if (await step.dropFormerEditors())
      outside.log.warn('took the keys of people who are no editors any more')
    // Where there has never been one, as after an upgrade from before there were any, nobody has one to lose.
    const isFirst = (await step.accounts.count()) === 0
    if (!isFirst && (haveSetUp.includes(true) || !(await step.isUntouched()))) return []
    const links: SetUpLink[] = []
    for (const { id, email } of editors) links.push({ email, link: await linkFor(step, id) })
    await step.rotate()
    return links
  })

  async function linkFor(step: KeyStep, editorId: string): Promise<string> {
    const now = outside.now()
    const [latest] = await step.accounts.holdersOf(editorId)
    const { identity } = await step.admit(editorId, [])
    await step.forgetOldLinks(editorId, mostLinks)
    const link = await signInLink(editorId, identity, step)
    // Who was mailed a link just now has a good one.
    if (latest && now - latest.createdAt < hour) return link
    // Mail that is kept as files lies beside what it would open.
    const ephemeralPayload = config.SMTP_URL ? { link } : {}
    await step.accounts.post({ type: 'sign-in', editorId, ephemeralPayload }, now)
    return link
  }
}
