import express, { type Request, type Response, type Router } from 'express'
import type { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import type { StagedFile } from '../../submissions/incoming.ts'
import type { Seat } from './seat.ts'
import type { Sessions } from './session.ts'
/**
 * What has to be proved before a form is taken. `person`: the passphrase or a passkey was given in this session a moment
 * ago. `keys`: besides, the session opens what is encrypted: so nobody who has only a mailed link changes what opens.
 */
export type Confirm = 'person' | 'keys'

/** Asks for what is to be proved; gives the seat with which to go on, or undefined where it has answered itself. */
export type Guard = (req: Request, res: Response, seat: Seat, needs: Confirm) => Promise<Seat | undefined>

type RouteShape = {
  method: 'get' | 'post'
  path: string
  /** Its form has a small file in it: `req.body` holds that as a Buffer. */
  takesFile?: true
  /** It begins a session: an old browser has to show that its form is ours, by the cookie that was set with it. */
  signsIn?: true
  /** Its form brings files: they are read from whoever may come only, and those that are not kept go again. */
  takesFiles?: true
}

/** Files that came with a form: staged, or with what is wrong with them; and what all of them are called. */
export type SentFiles = { files: StagedFile[]; fileErrors: { message: string }[]; names: string[] }

/**
 * How forms are read into `req.body`, when it is known who sends them. @throws Failure `too-large`, `invalid`,
 * `unavailable`
 */
export type FormReader = {
  /** Fields only, of anybody: with room for what signing in needs. */
  ofAnyone(req: Request): Promise<void>
  /** Fields only, of an editor. */
  fields(req: Request): Promise<void>
  /** A form with a small file. */
  smallFile(req: Request, res: Response): Promise<void>
  /** A form that brings files, by the route that takes them. */
  files(req: Request, res: Response): Promise<SentFiles>
  /** Forgets those that were not kept. */
  discard(files: StagedFile[]): Promise<void>
}

/** A route of the desk. Each declares who may come; there is no other way to make one. */
export type DeskRoute = RouteShape &
  (
    | { access: 'anyone'; handle: (req: Request, res: Response) => Promise<void> | void }
    | {
        access: 'editor' | 'admin'
        /** Where it depends on the form, says so of each. */
        confirm?: Confirm | ((req: Request) => Confirm | undefined)
        handle: (req: Request, res: Response, seat: Seat, sent: SentFiles) => Promise<void> | void
      }
  )

/** Makes the router of what is declared: nobody passes whom the declaration does not name, and no other site's form. */
export function deskRouter(
  routes: DeskRoute[],
  sessions: Sessions,
  reader: FormReader,
  guard: Guard,
): Router {
  const router = express.Router()
  for (const route of routes) {
    router[route.method](route.path, async (req, res) => {
      res.set('cache-control', 'no-store')
      refuseNul(req)
      if (route.access === 'anyone') {
        if (route.method === 'post') await reader.ofAnyone(req)
        withoutNul(req)
        if (route.signsIn) {
          const token = sessions.signInToken(req, res)
          const isOurs = token !== undefined && req.body?.token === token
          if (route.method === 'post' && res.locals.mayBeForeign && !isOurs) throw notFromDesk()
          res.locals.signInToken = token
        }
        return route.handle(req, res)
      }
      const seat = await sessions.seatOf(req, res)
      if (!seat) return
      // An error page is a page of the desk too.
      Object.assign(res.locals, {
        editor: seat.editor,
        formToken: seat.formToken,
      })
      if (route.access === 'admin' && seat.editor.role !== 'admin') throw onlyAdmins()
      const sent = await formOf(route, req, res)
      try {
        withoutNul(req)
        if (route.method === 'post' && res.locals.needsToken && req.body?.token !== seat.formToken)
          throw stale()
        const needs = typeof route.confirm === 'function' ? route.confirm(req) : route.confirm
        const proven = needs ? await guard(req, res, seat, needs) : seat
        if (proven) await route.handle(req, res, proven, sent)
      } finally {
        await reader.discard(sent.files)
      }
    })
  }
  return router

  async function formOf(
    { method, takesFile, takesFiles }: RouteShape,
    req: Request,
    res: Response,
  ): Promise<SentFiles> {
    const hasParts = req.is('multipart/form-data')
    if (hasParts && takesFiles) return reader.files(req, res)
    if (hasParts && takesFile) await reader.smallFile(req, res)
    else if (method === 'post') await reader.fields(req)
    return { files: [], fileErrors: [], names: [] }
  }
}

/** No name at the desk holds a NUL. */
function refuseNul(req: Request): void {
  const asked = [...Object.values(req.params), ...Object.values(req.query)].flat()
  if (asked.some((value) => String(value).includes('\0')))
    throw new Failure('not-found', 'There is no such page.')
}

/** No text column holds a NUL: it is left out of what was typed. */
function withoutNul(req: Request): void {
  const body = (req.body ?? {}) as Record<string, unknown>
  for (const [name, value] of Object.entries(body)) {
    const texts = [value].flat().map((one) => (typeof one === 'string' ? one.replaceAll('\0', '') : one))
    body[name] = Array.isArray(value) ? texts : texts[0]
  }
}

function onlyAdmins(): Failure {
  return new Failure('forbidden', 'Only an admin may do this.')
}

function notFromDesk(): Failure {
  return new Failure('forbidden', 'Please sign in from the desk’s own page: open it, and try once more.')
}

function stale(): Failure {
  return new Failure('forbidden', 'Please do this again from the desk’s own page.')
}

/** A value of a form, as text; empty where there is none. */
export function formText(req: Request, name: string): string {
  const value: unknown = req.body?.[name]
  return typeof value === 'string' ? value : ''
}

/** All values that a form gives under one name. */
export function formTexts(req: Request, name: string): string[] {
  const value: unknown = req.body?.[name]
  return [value].flat().filter((one) => typeof one === 'string')
}

/** A value that can only be one of those offered. @throws Failure `invalid` */
export function chosen<T>(schema: z.ZodType<T>, given: string): T {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new Failure('invalid', 'Please choose one of what is offered.')
}
