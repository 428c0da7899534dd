import { MessageChannel, type MessagePort, parentPort } from 'node:worker_threads'
import { receiveFrom, sendThrough } from '../../threads/port-stream.ts'
import type { UnreadableReason } from '../../unreadable.ts'
import { articleOf } from './article.ts'
import type { Heard, Job } from './parsed.ts'
import { readMail } from './read-mail.ts'

// The thread that mails are read in: whatever one does to it, the letterbox goes on.
parentPort?.on('message', ({ job, port, answers }: { job: Job; port: MessagePort; answers: MessagePort }) => {
  const say = (heard: Heard, ...moved: MessagePort[]) => answers.postMessage(heard, moved)
  const source = receiveFrom(port)
  const work =
    job.what === 'article'
      ? articleOf(job.name, source).then((article) => say({ article }))
      : readMail(source, async (file, content) => {
          const { port1, port2 } = new MessageChannel()
          say({ file, port: port2 }, port2)
          await sendThrough(port1, content)
          port1.close()
        }).then((mail) => say({ mail }))
  work.catch((error: unknown) => say({ unreadable: reasonOf(error) })).finally(() => answers.close())
})

/** The parser calls it by this code when one of our limits is passed. */
function reasonOf(error: unknown): UnreadableReason {
  return error instanceof Error && 'code' in error && error.code === 'EMAXLEN' ? 'past-limits' : 'broken'
}
