import { pino } from 'pino'
import { type Application, createApplication } from './application.ts'
import type { Config } from './config.ts'

type Print = (line: string) => void
type Command = (args: string[], application: Application, print: Print) => Promise<number>

const usage = `Usage: npm run barua -- COMMAND

  editor add EMAIL [admin]   makes an editor, or an admin; the last line is the link to sign in with, once, within a day
  editor list                lists the editors
  editor reset EMAIL         takes passphrase and second factors away, and makes a new sign-in link
  editor remove EMAIL        ends the account and its sessions`

const commands: Record<string, Command> = {
  async 'editor add'([email = '', role], { storage, signInLink }, print) {
    if (!/^[^\s@<>,]+@[^\s@<>,]+$/.test(email)) return failed(print, 'That is no mail address.')
    if (role !== undefined && role !== 'admin') return failed(print, usage)
    const hasAdmin = (await storage.editors.active()).some((editor) => editor.role === 'admin')
    const editor = await storage.editors.add(email, role ?? (hasAdmin ? 'editor' : 'admin'), Date.now())
    if (role === 'admin') await storage.editors.setRole(editor.id, 'admin')
    print(`${editor.email} is an editor and can sign in, once, within a day:`)
    print(await signInLink(editor.id))
    return 0
  },
  async 'editor list'(_none, { storage }, print) {
    for (const { email, role } of await storage.editors.active())
      print(role === 'admin' ? `${email} (admin)` : email)
    return 0
  },
  async 'editor reset'([email = ''], { storage, signInLink }, print) {
    const editor = await storage.editors.byEmail(email)
    if (!editor) return failed(print, 'There is no such editor.')
    await storage.factors.reset(editor.id)
    print(`${editor.email} can sign in, once, within a day:`)
    print(await signInLink(editor.id))
    return 0
  },
  async 'editor remove'([email = ''], { storage }, print) {
    if (!(await storage.editors.remove(email, Date.now(), { lastAdminToo: true })))
      return failed(print, 'There is no such editor.')
    print(`${email} is no longer an editor.`)
    return 0
  },
}

/** The shell side. It works on the same storage while the server runs. Gives the exit code. */
export async function runCommand(args: string[], config: Config, print: Print): Promise<number> {
  const command = commands[args.slice(0, 2).join(' ')]
  if (!command) return failed(print, usage)
  const log = pino({ level: 'silent' })
  const application = await createApplication(config, { now: Date.now, random: Math.random, log })
  try {
    return await command(args.slice(2), application, print)
  } finally {
    await application.stop()
  }
}

function failed(print: Print, why: string): number {
  print(why)
  return 1
}
