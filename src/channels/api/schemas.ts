import { z } from 'zod'
import { type Kind, kinds, states } from '../../db/values.ts'
import { fieldRules, maxFiles } from '../../submissions/incoming.ts'

/** What the API takes and gives. The description that is served is made from these. */

const FileGiven = z
  .object({
    name: z.string().min(1).max(1000).describe('As it is called where it comes from.'),
    content: z
      .string()
      .regex(/^[A-Za-z\d+/\s]*(?:=\s*){0,2}$/, 'This is not base64.')
      .meta({ contentEncoding: 'base64' })
      .describe('The file, in base64. Larger files go by multipart/form-data.'),
    caption: z.string().max(300).optional(),
    credit: z.string().max(300).optional(),
  })
  .meta({ id: 'File' })
export type FileGiven = z.infer<typeof FileGiven>

const files = z.array(FileGiven).max(maxFiles).optional()

const consent = z
  .literal([true, 'yes'], { error: 'Say “yes”: without it the piece cannot be published.' })
  .describe('Its author agrees that it is published under the byline.')

/** As JSON has it, or as a form does: `true`, `yes`, `on`, `1`. */
const confidential = z.union([z.boolean(), z.stringbool()]).optional()

const around = {
  confidential: confidential.describe(
    'True to have it encrypted, of whatever kind it is. Exposés and news tips always are.',
  ),
  sender: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'The name by which your bot knows the sender. It comes back with each answer, and nobody else sees it.',
    ),
  files,
}

const names: Record<Kind, string> = {
  'guest-post': 'GuestPost',
  expose: 'Expose',
  'news-tip': 'NewsTip',
  'story-angle': 'StoryAngle',
  'human-interest': 'HumanInterest',
}

function given(kind: Kind) {
  const fields = kind === 'guest-post' ? fieldRules[kind].extend({ consent }) : fieldRules[kind]
  return fields.extend({ kind: z.literal(kind), ...around }).meta({ id: names[kind] })
}

const [first, ...others] = kinds.map(given)
export const SubmissionGiven = z
  .discriminatedUnion('kind', [first as NonNullable<typeof first>, ...others])
  .meta({ id: 'NewSubmission' })
export type SubmissionGiven = z.infer<typeof SubmissionGiven>

export const MessageGiven = z
  .object({
    body: z.string().max(100_000).default('').describe('May be empty where there are files.'),
    confidential: confidential.describe('True to have it refused where the submission is not confidential.'),
    files,
  })
  .meta({ id: 'NewMessage' })

const filesNotKept = z
  .array(z.string())
  .optional()
  .describe('Names of files that there was no room for. Send them again later, as a message.')

export const SubmissionTaken = z
  .object({
    reference: z.string().describe('Its public name. It gives access to nothing.'),
    receipt: z
      .string()
      .describe('The secret of the sender: with it the answers can be read. Give it to the sender.'),
    statusUrl: z.url().describe('Where a person with the receipt reads the answers.'),
    confidential: z
      .literal(true)
      .optional()
      .describe('Says that it is encrypted, as it is stored, though its kind need not be.'),
    mailed: z
      .literal(false)
      .optional()
      .describe('Says that no receipt was mailed: the address has had as many as it may within a day.'),
    filesNotKept,
  })
  .meta({ id: 'Received' })

export const MessageTaken = z.object({ reference: z.string(), filesNotKept }).meta({ id: 'MessageReceived' })

const Time = z.iso.datetime()

export const SubmissionView = z
  .object({
    reference: z.string(),
    kind: z.enum(kinds),
    state: z.enum(states),
    createdAt: Time,
    updatedAt: Time,
    messages: z.array(
      z.object({
        author: z.enum(['sender', 'editor', 'system']),
        at: Time,
        title: z.string().optional(),
        body: z.string(),
        cover: z.string().optional().describe('What an email said whose article is a document.'),
        folded: z.string().optional().describe('What stands below the words of an email, as a signature.'),
        files: z.array(
          z.object({
            id: z.string().optional().describe('Of a file that an editor sent: it can be fetched by it.'),
            name: z.string().optional(),
            state: z.enum(['kept', 'awaited', 'failed']),
            size: z.number().int().nullable(),
            type: z.string().nullable(),
            refused: z
              .string()
              .optional()
              .describe('Why it is not kept, where it is not: `no-room` and others.'),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Submission' })

/** What is posted to a bot's webhook when an editor has answered. */
export const AnswerView = z
  .object({
    type: z.literal('message.created'),
    timestamp: Time,
    data: z.object({
      reference: z.string(),
      kind: z.enum(kinds),
      state: z.enum(states),
      sender: z.string().optional().describe('As your bot named the sender.'),
      message: z.object({
        id: z.string(),
        at: Time,
        title: z.string().optional(),
        body: z.string(),
      }),
    }),
  })
  .meta({ id: 'Answer' })
export type AnswerView = z.infer<typeof AnswerView>

export const Refused = z
  .object({
    error: z.object({
      code: z.enum([
        'invalid',
        'too-large',
        'unsupported-file',
        'unauthorized',
        'forbidden',
        'not-found',
        'conflict',
        'too-many',
        'unavailable',
      ]),
      message: z.string(),
      fields: z.record(z.string(), z.array(z.string())).optional(),
    }),
  })
  .meta({ id: 'Error' })
