import express, { type Request, type RequestHandler } from 'express'
import { Failure } from '../failure.ts'

const readRaw = express.raw({ limit: '1500kb', type: 'multipart/form-data' })

/** Reads a form with a small file, in memory, into `req.body`: texts as they are, the file as a Buffer. */
export const readFileForm: RequestHandler = (req, res, next) => {
  readRaw(req, res, (error: unknown) => {
    if (error !== undefined) return next(error)
    if (!Buffer.isBuffer(req.body)) return next()
    fieldsOf(req).then((fields) => {
      req.body = fields
      next()
    }, next)
  })
}

/** @throws Failure `invalid` for what is no form */
async function fieldsOf(req: Request): Promise<Record<string, string | Buffer>> {
  const sent = new Response(req.body, { headers: { 'content-type': req.get('content-type') ?? '' } })
  const form = await sent.formData().catch(() => {
    throw new Failure('invalid', 'This form was cut on its way. Please send it again.')
  })
  const fields: Record<string, string | Buffer> = {}
  for (const [name, value] of form)
    fields[name] = typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer())
  return fields
}
