import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Failure } from '../../core/errors.ts'
import { type Job, JobError, type Unsent } from '../../jobs/job.ts'
import type { AttachmentStore } from '../../submissions/attachment-store.ts'
import { madeBy } from '../processes/child-process.ts'
import { confined } from '../processes/confinement.ts'
import type { FileStore } from '../store.ts'

type PreviewContext = {
  files: FileStore
  attachments: Pick<AttachmentStore, 'kept' | 'previewed'>
}

const program = fileURLToPath(new URL('./process.ts', import.meta.url))

/** A file that takes longer is meant to. Milliseconds. */
const patience = 30_000

/** No preview is larger: what comes out of the process is believed as little as the file. Bytes. */
const largest = 4 * 1024 * 1024

/** A file is begun so often without an outcome: then it is what ended the program. */
const mostBegun = 2

/**
 * Makes the preview of an attachment: of a picture a small one without metadata, of a PDF its words. What reads the file
 * is a process of its own, for the file comes from a stranger: if it breaks, nothing else does.
 */
export function previewMaker({ files, attachments }: PreviewContext) {
  return async (job: Job, signal: AbortSignal): Promise<Unsent | undefined> => {
    const { attachmentId } = job
    const attachment = attachmentId ? await attachments.kept(attachmentId) : undefined
    if (!attachmentId || !attachment) throw new JobError('file-gone', { permanent: true })
    if (attachment.previewId) return { skipped: 'made-already' }
    if (job.begun > mostBegun) throw new JobError('no-outcome', { permanent: true })
    const made = await preview(attachment.type, await files.read(attachmentId), { leaving: signal })
    signal.throwIfAborted()
    // A file that cannot be read today cannot be read tomorrow, and nothing is missing but a convenience.
    if (!made) return { skipped: 'no-preview' }
    const previewId = await files.keepMade(made)
    if (await attachments.previewed(attachmentId, previewId)) return undefined
    await files.erase(previewId)
    return { skipped: 'gone-meanwhile' }
  }
}

/**
 * The preview of a file that is kept nowhere: what is encrypted is opened for a moment only. Undefined if it cannot be read.
 * Somebody waits for it, so it goes before those that are made in the background.
 * @throws Failure `unavailable` where no more processes can be begun
 */
export async function previewNow(type: string, content: Readable): Promise<Buffer | undefined> {
  return preview(type, content, { isWaitedFor: true })
}

async function preview(
  type: string,
  content: Readable,
  { isWaitedFor = false, leaving }: { isWaitedFor?: boolean; leaving?: AbortSignal },
): Promise<Buffer | undefined> {
  // Until it is read it may break as well.
  content.on('error', () => undefined)
  try {
    const made = await madeBy(await confined(program, type), content, { patience, leaving, isWaitedFor })
    return typeof made === 'string' ? undefined : await whole(made.content)
  } catch (error) {
    if (error instanceof Failure) throw error
    return undefined
  } finally {
    content.destroy()
  }
}

/** Undefined for what is too large. @throws where the process broke off */
async function whole(content: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largest) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
