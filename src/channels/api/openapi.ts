import { z } from 'zod'
import {
  AnswerView,
  MessageGiven,
  MessageTaken,
  Refused,
  SubmissionGiven,
  SubmissionTaken,
  SubmissionView,
} from './schemas.ts'

type Described = { newsroom: string; siteUrl: string }

export const receiptHeader = 'Barua-Receipt'

const given = [SubmissionGiven, MessageGiven]
const answers = [SubmissionTaken, MessageTaken, SubmissionView, AnswerView, Refused]

/** The API's description, made from the schemas that it is checked with. https://spec.openapis.org/oas/v3.1.1 */
export function openApi({ newsroom, siteUrl }: Described) {
  return {
    openapi: '3.1.1',
    info: {
      title: `${newsroom}: letterbox`,
      version: '1',
      description:
        'For other bots: bridges from WhatsApp, Signal or Matrix, and forms elsewhere. A newsroom’s admin makes the token at the desk.',
      license: { name: 'AGPL-3.0-or-later', identifier: 'AGPL-3.0-or-later' },
    },
    servers: [{ url: `${siteUrl}/api/v1` }],
    security: [{ token: [] }],
    paths: {
      '/submissions': {
        post: {
          operationId: 'createSubmission',
          summary: 'Send a piece',
          description:
            'With an Idempotency-Key the same piece is taken in once, however often it is sent, and each time the answer is the same. 201 the first time, 200 for a repeat.',
          parameters: [idempotencyKey],
          requestBody: body('NewSubmission'),
          responses: {
            201: answered('Received: it is on the disk.', 'Received'),
            200: answered('Received before, with the same key and the same content.', 'Received'),
            ...rejections(401, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      '/submissions/{reference}': {
        get: {
          operationId: 'readSubmission',
          summary: 'Read state and answers',
          parameters: [reference, receipt],
          responses: {
            200: answered('The submission as its sender may know it.', 'Submission'),
            ...rejections(401, 404, 429, 503),
          },
        },
      },
      '/submissions/{reference}/files/{file}': {
        get: {
          operationId: 'readFile',
          summary: 'Fetch a file that an editor sent',
          parameters: [
            reference,
            { name: 'file', in: 'path', required: true, schema: { type: 'string' } },
            receipt,
          ],
          responses: {
            200: { description: 'The file.', content: { '*/*': {} } },
            ...rejections(401, 404, 429, 503),
          },
        },
      },
      '/submissions/{reference}/messages': {
        post: {
          operationId: 'createMessage',
          summary: 'Write again',
          parameters: [reference, receipt, idempotencyKey],
          requestBody: body('NewMessage'),
          responses: {
            201: answered('Received: it is on the disk.', 'MessageReceived'),
            200: answered('Received before, with the same key and the same content.', 'MessageReceived'),
            ...rejections(401, 404, 409, 413, 415, 422, 429, 503),
          },
        },
      },
    },
    webhooks: {
      answer: {
        post: {
          operationId: 'receiveAnswer',
          summary: 'An editor has answered',
          description:
            'Posted to the token’s webhook, where it has one, until it is answered with 2xx, for two days. Signed as https://www.standardwebhooks.com says: the headers webhook-id (the same for each try), webhook-timestamp and webhook-signature.',
          security: [],
          requestBody: { required: true, content: { 'application/json': { schema: ref('Answer') } } },
          responses: { 200: { description: 'Taken.' } },
        },
      },
    },
    components: { schemas: schemas(), securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Any name of your own for this request, such as the id of the message it carries.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const reference = { name: 'reference', in: 'path', required: true, schema: { type: 'string' } }

const receipt = {
  name: receiptHeader,
  in: 'header',
  required: true,
  description: 'The receipt that was given for the submission.',
  schema: { type: 'string' },
}

function body(name: string) {
  const fields = ref(name)
  return {
    required: true,
    content: { 'application/json': { schema: fields }, 'multipart/form-data': { schema: multipart(name) } },
  }
}

/** As a form: the same fields as text, and the files as parts named `files`. */
function multipart(name: string) {
  const files = { type: 'array', items: { type: 'string', contentMediaType: 'application/octet-stream' } }
  return {
    type: 'object',
    description: `The fields of ${name} as text, and each file as a part named “files”.`,
    properties: { files },
  }
}

function answered(description: string, name: string) {
  return { description, content: { 'application/json': { schema: ref(name) } } }
}

const refused: Record<number, string> = {
  401: 'The token is missing, unknown or revoked.',
  404: 'No submission has this reference and this receipt.',
  409: 'The key was used with another content.',
  413: 'Too large.',
  415: 'A file of this type is not taken.',
  422: 'Some fields are missing or wrong; each is named with what is wrong with it.',
  429: 'Too many in this hour.',
  503: 'Not just now: try again after the seconds that Retry-After says.',
}

function rejections(...statuses: number[]) {
  return Object.fromEntries(statuses.map((status) => [status, answered(refused[status] ?? '', 'Error')]))
}

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

/** Every schema under its name, those within others too. */
function schemas(): Record<string, unknown> {
  return { ...named(given, 'input'), ...named(answers, 'output') }
}

function named(list: z.ZodType[], io: 'input' | 'output'): Record<string, unknown> {
  const converted = z.toJSONSchema(z.union(list as [z.ZodType, ...z.ZodType[]]), {
    io,
    unrepresentable: 'any',
  })
  const { $defs = {} } = converted as { $defs?: Record<string, unknown> }
  return relocated($defs) as Record<string, unknown>
}

/** Points references to where OpenAPI keeps schemas, and drops the names that only say the same. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([name, inner]) => !(name === 'id' && typeof inner === 'string'),
  )
  return Object.fromEntries(
    entries.map(([name, inner]) => [
      name,
      name === '$ref' ? String(inner).replace('#/$defs/', '#/components/schemas/') : relocated(inner),
    ]),
  )
}
