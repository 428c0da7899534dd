import type { Readable } from 'node:stream'
import { MessageChannel, type MessagePort, parentPort } from 'node:worker_threads'
import { receiveFrom, sendThrough } from '../../core/worker-stream.ts'
import { articleOf } from '../../documents/article-text.ts'
import type { UnreadableReason } from '../../submissions/unreadable.ts'
import { holdsAnyOf } from './file-search.ts'
import { readMail, type TakeFile } from './parse-mail.ts'
import type { ParserAnswer, ParserTask } from './parsed-mail.ts'

// The thread that mails are read in: whatever one does to it, the letterbox goes on.
parentPort?.on(
  'message',
  ({ job, port, answers }: { job: ParserTask; port: MessagePort; answers: MessagePort }) => {
    const say = (heard: ParserAnswer, ...moved: MessagePort[]) => answers.postMessage(heard, moved)
    const source = receiveFrom(port)
    const work = done(job, source, async (file, content) => {
      const { port1, port2 } = new MessageChannel()
      say({ file, port: port2 }, port2)
      await sendThrough(port1, content)
      port1.close()
    }).then((heard) => say(heard))
    work.catch((error: unknown) => say({ unreadable: reasonOf(error) })).finally(() => answers.close())
  },
)

async function done(job: ParserTask, source: Readable, takeFile: TakeFile): Promise<ParserAnswer> {
  switch (job.what) {
    case 'mail':
      return { mail: await readMail(source, job.ours, takeFile) }
    case 'article':
      return { article: await articleOf(job.name, source) }
    case 'search':
      return { found: await holdsAnyOf(job.words, source) }
  }
}

/** The parser calls it by this code when one of our limits is passed. */
function reasonOf(error: unknown): UnreadableReason {
  return error instanceof Error && 'code' in error && error.code === 'EMAXLEN' ? 'past-limits' : 'broken'
}
