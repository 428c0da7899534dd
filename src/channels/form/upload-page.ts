import express, { type RequestHandler, type Response, type Router } from 'express'
import { Failure } from '../../core/errors.ts'
import { NoRoom } from '../../files/no-room.ts'
import type { StagedFile } from '../../submissions/incoming.ts'
import { type MultipartContext, readMultipart, type SentForm } from '../../web/multipart.ts'
import { isTicked } from '../../web/read-form.ts'
import type { Nonces } from './form-token.ts'

type UploadContext = MultipartContext & {
  /** Throws unless the link may still be used. @throws Failure `not-found`, `forbidden` */
  check: (token: string) => Promise<void>
  /**
   * Adds the files to the submission that the link is for, once. @throws Failure `forbidden` if others came by it
   * already
   */
  receiveUpload: (
    token: string,
    files: StagedFile[],
    isConfidential: boolean,
  ) => Promise<{ reference: string }>
  render: (view: string, data?: Record<string, unknown>) => string
  asFailure: (error: unknown) => Failure
  beginErrorAnswer: (res: Response, failure: Failure) => void
  nonces: Nonces
  limit: RequestHandler
}

/** Where a file goes that a chat does not give out: by a link that is good once, for exactly one submission. */
export function uploadRouter(app: UploadContext): Router {
  const router = express.Router()

  router.get('/upload/:token', app.limit, async (req, res) => {
    res.set('cache-control', 'no-store')
    await app.check(String(req.params.token))
    res.type('html').send(page(undefined))
  })

  router.post('/upload/:token', leavingBody, app.limit, async (req, res) => {
    res.set('cache-control', 'no-store')
    const token = String(req.params.token)
    await app.check(token)
    let sent: SentForm | undefined
    try {
      sent = await readMultipart(req, res, app)
      if (res.locals.needsToken && !app.nonces.isOurs(sent.fields.nonce)) {
        throw new Failure('forbidden', 'Please send this again from the form below.')
      }
      refuseWithErrors(sent)
      const { reference } = await app.receiveUpload(token, sent.files, isTicked(sent.fields))
      res.type('html').send(app.render('form/uploaded', { reference }))
    } catch (error) {
      if (sent) await app.discard(sent.files)
      refuse(res, app.asFailure(error))
    }
  })

  return router

  function page(failure: Failure | undefined): string {
    return app.render('form/upload', { failure, limits: app, nonce: app.nonces.make() })
  }

  function refuse(res: Response, failure: Failure): void {
    app.beginErrorAnswer(res, failure)
    res.type('html').send(page(failure))
  }
}

/** The form has no words in it that an error page would have to show. */
const leavingBody: RequestHandler = (_req, res, next) => {
  res.locals.leavesBody = true
  next()
}

/** All or nothing: the link is good once, and stays good for what there is no room for now. */
function refuseWithErrors({ files, fileErrors, unkept }: SentForm): void {
  if (unkept.length > 0) throw new NoRoom()
  const [errorCode] = fileErrors
  const messages = fileErrors.map(({ message }) => message)
  if (errorCode) throw new Failure(errorCode.code, messages.join(' '), { fields: { files: messages } })
  if (files.length > 0) return
  const message = 'Please choose a file.'
  throw new Failure('invalid', message, { fields: { files: [message] } })
}
