import { Readable } from 'node:stream'
import { Failure } from '../../core/errors.ts'
import type { Recipients } from '../../encryption/types.ts'
import { NoRoom } from '../../files/no-room.ts'
import { type Job, JobError, waitIn } from '../../jobs/job.ts'
import type { AttachmentStore } from '../../submissions/attachment-store.ts'
import { FileRefused } from '../../submissions/file-refusal.ts'
import type { EncryptedAs } from '../../submissions/intake-record.ts'
import { breakingOff, errorCodeOf, type GetApi, patience, refused } from './client.ts'

type FetchContext = {
  token: string | undefined
  apiRoot: string
  getApi: GetApi
  /** Bytes that are taken of a file. */
  maxBytes: number
  /** Streams the file into the file store under its id. */
  stage: (
    source: Readable,
    id: string,
    maxBytes: number,
  ) => Promise<{ size: number; type: string; sha256: string }>
  keep: (ids: string[], recipients: Recipients | undefined) => Promise<Map<string, EncryptedAs>>
  erase: (id: string) => Promise<void>
  discard: (ids: string[]) => Promise<void>
  attachments: AttachmentStore
  now: () => number
}

/**
 * A path of Telegram's as it is asked for, each part of it in the coding of addresses: it ends as its sender's name for the
 * file does, in any script and with any signs, and those would be part of the address otherwise.
 * Undefined for one that could lead elsewhere: an address, a place on a disk, or a way up.
 */
export function encodedPath(path: string): string | undefined {
  const items = path.toWellFormed().split('/')
  const leadsElsewhere = /^[a-z][a-z\d+.-]*:\/\//i.test(path) || items.some((item) => /^\.{0,2}$/.test(item))
  return leadsElsewhere ? undefined : items.map(encodeURIComponent).join('/')
}

/**
 * A Bot API server of our own in local mode gives the place on its disk, `/…/<token>/videos/file_1.mp4`: what comes
 * after the token is asked for below its address, where its web server has to give it out.
 * https://github.com/tdlib/telegram-bot-api
 */
function withinServer(path: string, token: string): string {
  const folder = `/${token}/`
  return path.startsWith('/') && path.includes(folder)
    ? path.slice(path.indexOf(folder) + folder.length)
    : path
}

/** Fetches awaited files from the Bot API. The token is in the URL, so no error of these requests is ever kept. */
export function telegramFileFetcher(app: FetchContext) {
  /** @throws JobError */
  return async (job: Job, signal: AbortSignal): Promise<void> => {
    const { attachmentId, target } = job
    if (!attachmentId || !target) throw new JobError('telegram-nothing-to-fetch', { permanent: true })
    if ((await app.attachments.state(attachmentId)) === 'kept') return
    const { token } = app
    if (!token) throw new JobError('telegram-no-token')
    const path = await pathOf(target, token, signal)
    const body = await download(`${app.apiRoot}/file/bot${token}/${path}`, signal, app.now())
    const file = await stage(body, attachmentId)
    const found = await app.attachments.recipientsOf(attachmentId)
    if (!found) {
      await app.discard([attachmentId])
      throw new JobError('file-gone', { permanent: true })
    }
    const { recipients } = found
    const as = (await app.keep([attachmentId], recipients)).get(attachmentId)
    const isTaken = await app.attachments.arrived(
      attachmentId,
      { ...file, mark: as?.mark, desk: as?.desk },
      recipients,
      app.now(),
    )
    if (isTaken) return
    await app.erase(attachmentId)
    throw new JobError('changed-meanwhile')
  }

  async function pathOf(fileId: string, token: string, signal: AbortSignal): Promise<string> {
    const api = await app.getApi()
    const { file_path: given } = await api.getFile(fileId, breakingOff(signal)).catch((error: unknown) => {
      throw errorCodeOf(error)
    })
    const path = given === undefined ? undefined : encodedPath(withinServer(given, token))
    if (path !== undefined) return path
    throw new JobError('telegram-bad-path', { permanent: true })
  }

  async function stage(body: Readable, attachmentId: string) {
    try {
      return await app.stage(body, attachmentId, app.maxBytes)
    } catch (error) {
      body.destroy()
      if (error instanceof FileRefused) throw new JobError(`unsupported-${error.reason}`, { permanent: true })
      // Telegram keeps it, so it can be fetched when there is room.
      if (error instanceof NoRoom) throw new JobError('no-room')
      if (!(error instanceof Failure)) throw new JobError('telegram-broken-off')
      throw new JobError(error.code, { permanent: error.code !== 'unavailable' })
    }
  }
}

async function download(url: string, signal: AbortSignal, now: number): Promise<Readable> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
  }).catch(() => {
    throw new JobError('telegram-unreachable')
  })
  if (response.ok && response.body) return Readable.fromWeb(response.body)
  await response.body?.cancel()
  throw refused(response.status, waitIn(response.headers.get('retry-after'), now))
}
