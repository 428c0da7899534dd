import { type Recipients, whomFor } from '../encryption/types.ts'
import type { EphemeralPayload } from '../jobs/job.ts'
import type { Contents } from './content-codec.ts'
import type { NewRecord } from './intake-record.ts'
import type { Writing } from './write-context.ts'

/** A record with all of it that is content, as it will be stored. */
export type Prepared = {
  one: NewRecord
  recipients: Recipients | undefined
  content: string
  summary: string | null
  /** By attachment: what a file is, where that is content too. */
  files: Map<string, string>
  /** What a notice may say of it although it is encrypted. */
  ephemeralPayload: EphemeralPayload | undefined
}

/** Sealing takes its time, so it is done before the transaction, where nobody waits for it. */
export async function prepared(
  writing: Writing,
  records: NewRecord[],
): Promise<(Prepared | { error: unknown })[]> {
  const recipientsStore = await writing.recipientsStore.of(records)
  const mayTell = recipientsStore.size > 0 && (await writing.mayTellInConfidence())
  return Promise.all(
    records.map((one) =>
      prepare(writing.contents, one, recipientsStore.get(one.submissionId), mayTell).catch(
        (error: unknown) => ({
          error,
        }),
      ),
    ),
  )
}

async function prepare(
  contents: Contents,
  one: NewRecord,
  recipients: Recipients | undefined,
  mayTell: boolean,
): Promise<Prepared> {
  const whom = whomFor(one.author)
  const content = one.blocks
    ? one.blocks.join('\n')
    : await contents.writeContent(one.content, recipients, `message ${one.messageId}`, whom)
  // Of an encrypted submission the first message says it: what is encrypted twice costs twice.
  const summary = one.submission && !recipients ? contents.writeSummary(one.submission.summary) : null
  const files = new Map<string, string>()
  for (const attachment of one.attachments) {
    if (!recipients || 'awaited' in attachment) continue
    files.set(attachment.id, await contents.writeFile(attachment, recipients, whom))
  }
  const ephemeralPayload = recipients && mayTell ? payloadIn(one) : undefined
  return { one, recipients, content, summary, files, ephemeralPayload }
}

/** Title and text, and not who sent it. Nothing is known here of what came encrypted, or is part of what was told before. */
function payloadIn({ content, blocks, adds }: NewRecord): EphemeralPayload | undefined {
  if (blocks || adds) return undefined
  const { title, body } = content.fields
  return { ...(title !== undefined && { title }), text: body }
}
