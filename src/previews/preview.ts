import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CarryFault, type Delivery, type Instead } from '../delivery.ts'
import { unavailable } from '../failure.ts'

export type PreviewParts = {
  files: {
    /** Where a kept file lies, for a process that only reads it. */
    path(id: string): string
    /** Takes in what `write` puts at the path it is given, durably; gives its id, or undefined if it wrote nothing. */
    keepMade(write: (path: string) => Promise<boolean>): Promise<string | undefined>
    erase(id: string): Promise<void>
  }
  attachments: {
    kept(id: string): Promise<{ type: string; previewId: string | null } | undefined>
    previewed(id: string, previewId: string): Promise<boolean>
  }
}

const run = promisify(execFile)
const program = fileURLToPath(new URL('./make.ts', import.meta.url))
/** A picture that takes longer is meant to. Milliseconds. */
const patience = 60_000

/**
 * Makes the preview of an attachment: of a picture a small one without metadata, of a PDF its words. What reads the file
 * is a process of its own, for the file comes from a stranger: if it breaks, nothing else does.
 */
export function previewMaker({ files, attachments }: PreviewParts) {
  return async ({ attachmentId }: Delivery, signal: AbortSignal): Promise<Instead | undefined> => {
    const attachment = attachmentId ? await attachments.kept(attachmentId) : undefined
    if (!attachmentId || !attachment) throw new CarryFault('file-gone', { permanent: true })
    if (attachment.previewId) return { needless: 'made-already' }
    const source = files.path(attachmentId)
    const previewId = await files.keepMade((target) => make(attachment.type, source, target, signal))
    signal.throwIfAborted()
    // A file that cannot be read today cannot be read tomorrow, and nothing is missing but a convenience.
    if (previewId === undefined) return { needless: 'no-preview' }
    if (await attachments.previewed(attachmentId, previewId)) return undefined
    await files.erase(previewId)
    return { needless: 'gone-meanwhile' }
  }
}

/**
 * The preview of a file that is kept nowhere: what is sealed is opened for a moment only. Undefined if it cannot be read.
 * @throws Failure `unavailable` where no more processes can be begun
 */
export async function previewNow(type: string, content: Readable): Promise<Buffer | undefined> {
  const child = begun(argumentsFor(type), content)
  const made = buffer(child.stdout).catch(() => undefined)
  const ended = once(child, 'close').then(
    ([status]) => status,
    () => null,
  )
  // A process that has had enough of it reads no further.
  await pipeline(content, child.stdin).catch(() => undefined)
  return (await ended) === 0 ? made : undefined
}

function begun(args: string[], content: Readable) {
  try {
    const child = spawn(process.execPath, args, {
      // Otherwise libvips might put a large picture on the disk.
      env: { VIPS_DISC_THRESHOLD: '100g' },
      timeout: patience,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.on('error', () => undefined)
    if (child.stdin && child.stdout) return child
    throw new Error('a process without pipes')
  } catch (error) {
    content.destroy()
    throw unavailable(error)
  }
}

function argumentsFor(type: string, ...paths: string[]): string[] {
  return ['--max-old-space-size=512', program, type, ...paths]
}

/** False if the file cannot be read. What the process says of it may hold its words, and is not listened to. */
async function make(type: string, source: string, target: string, signal: AbortSignal): Promise<boolean> {
  const options = { timeout: patience, killSignal: 'SIGKILL' as const, env: {}, signal }
  return run(process.execPath, argumentsFor(type, source, target), options).then(
    () => true,
    () => false,
  )
}
