/*
 * Moves keys in one way, in a process of its own that may be ended at any moment: `node key-step.ts STEP`. It works on the
 * newsroom that the environment names, through the desk as a browser does, or as the shell does.
 */
import { once } from 'node:events'
import { pino } from 'pino'
import supertest from 'supertest'
import { requestCode } from '../../src/accounts/keyring/key-holders.ts'
import { passkeyWrap } from '../../src/accounts/webauthn.ts'
import { createApplication } from '../../src/app/app.ts'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { admin, colleague, invited, passphrases } from './key-people.ts'

/** What the test hands over: the secret of a passkey, the sheet that is printed, a link, a session. */
const { PASSKEY_SECRET = '', SHEET = '', LINK = '', COOKIE = '' } = process.env

const steps: Record<string, () => Promise<unknown>> = {
  'set-up': () => web.post(new URL(LINK).pathname).type('form').send(chosen(passphrases.old)),
  passphrase: () => act('/desk/account/passphrase', chosen(passphrases.next)),
  'passphrase, forgotten': async () => {
    const cookie = await mailedSession()
    await act('/desk/account/passphrase', { ...chosen(passphrases.next), forgotten: 'yes' }, cookie)
  },
  async passkey() {
    const editor = await storage.editors.byEmail(admin)
    const identity = await keyRing.unwrap(`passphrase ${editor?.id}`, await secretOf(passphrases.old))
    await keyRing.together(async ({ accounts, wrapUnder }) => {
      const passkey = {
        id: 'pk',
        editorId: editor?.id ?? '',
        publicKey: '',
        counter: 0,
        name: '',
        host: 'localhost',
        createdAt: 1,
      }
      await accounts.addPasskey(passkey)
      await wrapUnder('passkey', Buffer.from(PASSKEY_SECRET, 'base64'), passkeyWrap('pk'), identity ?? '')
    })
  },
  sheet: async () => process.stdout.write((await act('/desk/keys/recovery', { replace: 'yes' })).text),
  async 'use of the sheet'() {
    await act('/desk/keys/sheet', { sheet: SHEET }, await mailedSession())
  },
  invite: () => act('/desk/team', { email: invited, role: 'editor' }),
  async 'let in'() {
    const { id } = (await storage.editors.byEmail(colleague)) ?? { id: '' }
    const { id: request = '' } = (await keyRing.requestOf(id)) ?? {}
    await act('/desk/keys/let-in', { email: colleague, code: requestCode(request) })
  },
  reset: () => act('/desk/team/reset', { email: colleague }),
  remove: () => act('/desk/team/remove', { email: colleague }),
  'removal by the shell': () => shell('editor', 'remove', colleague),
  'reset by the shell': () => shell('editor', 'reset', colleague),
  rotate: () => keyRing.together((step) => step.rotate()),
}

const config = readConfig(process.env)
const outside = { now: Date.now, random: Math.random, log: pino({ level: 'silent' }) }
const application = await createApplication(config, outside)
const { storage, keyRing } = application
const web = supertest(application.web)

const step = steps[process.argv[2] ?? '']
if (!step) throw new Error('no such step')
process.stdout.write('begins\n')
await once(process.stdin, 'data')
await step()
process.stdout.write('done\n')
await application.stop()
process.exit()

function chosen(passphrase: string) {
  return { passphrase, again: passphrase }
}

async function secretOf(passphrase: string): Promise<Uint8Array> {
  const { openPassphrase } = await import('../../src/accounts/passphrase.ts')
  const editor = await storage.editors.byEmail(admin)
  const secret = await openPassphrase(passphrase, await storage.factors.passphrase(editor?.id ?? ''))
  return secret ?? new Uint8Array()
}

async function shell(...args: string[]): Promise<void> {
  await runCommand(args, config, () => undefined, new AbortController().signal)
}

/** A session that opens nothing. */
async function mailedSession(): Promise<string> {
  const editor = await storage.editors.byEmail(admin)
  const link = await application.signInLink(editor?.id ?? '')
  return cookieIn(await web.post(new URL(link).pathname))
}

async function act(
  path: string,
  fields: Record<string, string>,
  cookie = COOKIE,
): Promise<supertest.Response> {
  const response = await web
    .post(path)
    .set('cookie', cookie)
    .set('sec-fetch-site', 'same-origin')
    .type('form')
    .send(fields)
  if (response.status >= 400) throw new Error(`${path}: ${response.status} ${response.text}`)
  return response
}

function cookieIn({ headers }: supertest.Response): string {
  const cookies = [headers['set-cookie'] ?? []].flat().map(String)
  return cookies.find((one) => one.startsWith('barua='))?.split(';')[0] ?? ''
}
