import type { Request, Response } from 'express'
import { nameFrom } from '../../accounts/editor.ts'
import type { Changes } from '../../core/changes.ts'
import type { Submission } from '../../submissions/model.ts'
import type { DeskContext } from './context.ts'
import { beginLiveStream, type LiveStream } from './live-stream.ts'
import type { DeskRoute } from './routes.ts'
import type { Seat } from './seat.ts'
import type { Sessions } from './session.ts'

/** Often enough that no proxy closes the stream, and that who has gone away is soon seen to be gone. */
const heartbeat = 20_000

/** While submissions pour in, a page is told at most so often. */
const shortestPause = 500

/** Another machine may have changed something that nobody here was told of. */
const look = 2000

type EventContext = DeskContext & {
  sessions: Sessions
  changes: Changes
  isShared: boolean
  latest: () => Promise<string>
  /** Told of what went wrong beside any request. */
  onError: (error: unknown) => undefined
}

/** An open page of an editor, of a submission or of a list. */
type WatchedPage = { live: LiveStream; seat: Seat; submission: Submission | undefined }

export type Events = ReturnType<typeof deskEvents>

/**
 * Server-sent events for open pages of the desk: that the lists have changed, and of a draft its revision and who
 * else has it open. Nothing of a submission is in them. A page whose session or connection has ended is told nothing more.
 */
export function deskEvents(app: EventContext) {
  const pages = new Set<WatchedPage>()
  let timer: NodeJS.Timeout | undefined
  let known = ''
  let isClosed = false
  const unlisten = app.changes.listen(tellSoon)
  const beats = setInterval(() => void beat().catch(app.onError), heartbeat).unref()
  const looks = app.isShared
    ? setInterval(() => void lookAround().catch(app.onError), look).unref()
    : undefined
  const routes: DeskRoute[] = [{ method: 'get', path: '/desk/events', access: 'editor', handle: open }]

  return {
    routes,

    /** Ends every stream, so that the server can stop. One that is asked for from now on ends at once. */
    close(): void {
      isClosed = true
      unlisten()
      clearInterval(beats)
      clearInterval(looks)
      clearTimeout(timer)
      for (const { live } of pages) live.end()
      pages.clear()
    },
  }

  async function open(req: Request, res: Response, seat: Seat): Promise<void> {
    const reference = typeof req.query.submission === 'string' ? req.query.submission : undefined
    const submission = reference === undefined ? undefined : await app.submissions.byReference(reference)
    // Whoever has gone away meanwhile hears nothing, and is not there.
    if (res.closed || res.destroyed) return
    const page: WatchedPage = { live: beginLiveStream(res), seat, submission }
    if (isClosed) return page.live.end()
    pages.add(page)
    res.on('close', () => void left(page).catch(app.onError))
    if (submission) await app.attention.stay(submission.id, seat.editor.id, app.now())
    app.changes.changed()
  }

  async function left(page: WatchedPage): Promise<void> {
    pages.delete(page)
    const { submission, seat } = page
    if (!submission) return
    const isStillThere = [...pages].some(
      (one) => one.submission?.id === submission.id && one.seat.editor.id === seat.editor.id,
    )
    if (!isStillThere) await app.attention.leave(submission.id, seat.editor.id)
    app.changes.changed()
  }

  function tellSoon(): void {
    if (pages.size > 0) timer ??= setTimeout(() => void tell().catch(app.onError), shortestPause)
  }

  async function tell(): Promise<void> {
    timer = undefined
    for (const { live } of pages) live.say('event: lists\ndata:\n\n')
    await tellOfSubmissions()
  }

  async function tellOfSubmissions(): Promise<void> {
    const states = new Map<string, string>()
    for (const { submission } of pages) {
      if (submission && !states.has(submission.id)) states.set(submission.id, await stateOf(submission))
    }
    for (const { live, submission } of pages) {
      const state = submission && states.get(submission.id)
      if (state) live.say(`event: submission\ndata: ${state}\n\n`)
    }
  }

  async function stateOf({ id, reference }: Submission): Promise<string> {
    const now = await app.submissions.byReference(reference)
    const nameOf = nameFrom(await app.editors.names())
    const present = (await app.attention.present(id, app.now())).map((one) => ({
      id: one,
      name: nameOf(one),
    }))
    return JSON.stringify({ revision: now?.revision, present })
  }

  async function beat(): Promise<void> {
    for (const page of pages) await beatOf(page)
    // Whose page never opened a stream goes without a word.
    await tellOfSubmissions()
  }

  async function beatOf(page: WatchedPage): Promise<void> {
    const { live, seat, submission } = page
    if (!(await app.sessions.isGood(seat).catch(() => true))) {
      pages.delete(page)
      return live.end('event: signed-out\ndata:\n\n')
    }
    live.say(': still here\n\n')
    if (submission) await app.attention.stay(submission.id, seat.editor.id, app.now()).catch(app.onError)
  }

  async function lookAround(): Promise<void> {
    if (pages.size === 0) return
    const latest = await app.latest().catch(() => known)
    if (latest !== known) tellSoon()
    known = latest
  }
}
