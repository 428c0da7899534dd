import { createReadStream } from 'node:fs'
import { open, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** A mail of an archive, and where in it it was. */
type ArchivedMail = { name: string; open: () => Readable }

/** The mails in a file, an mbox (RFC 4155) or a Maildir (https://cr.yp.to/proto/maildir.html), one after the other. */
export async function* mailsIn(path: string): AsyncGenerator<ArchivedMail> {
  if ((await stat(path)).isDirectory()) yield* mailsInFolder(path)
  else if (await isMbox(path)) yield* mailsInMbox(path)
  else yield { name: path, open: () => createReadStream(path) }
}

async function* mailsInFolder(path: string): AsyncGenerator<ArchivedMail> {
  for (const folder of ['cur', 'new']) {
    const files = await opendir(join(path, folder)).catch(() => undefined)
    if (!files) continue
    for await (const file of files) {
      if (!file.isFile() || file.name.startsWith('.')) continue
      const name = join(path, folder, file.name)
      yield { name, open: () => createReadStream(name) }
    }
  }
}

async function isMbox(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(5), 0, 5, 0)
    return bytesRead === 5 && buffer.toString() === 'From '
  } finally {
    await file.close()
  }
}

/** An address and a date: other lines that begin so are somebody's words. */
const beginsMail = /^From \S+\s+\w{3},?\s+\w{3}\s+\d|^From \S+\s+\w{3},?\s+\d/

async function* mailsInMbox(path: string): AsyncGenerator<ArchivedMail> {
  let lines: Buffer[] = []
  let count = 0
  let wasBlank = true
  const mail = (): ArchivedMail => {
    const whole = Buffer.concat(lines)
    lines = []
    count += 1
    return { name: `${path}, mail ${count}`, open: () => Readable.from([whole], { objectMode: false }) }
  }
  for await (const line of linesOf(createReadStream(path))) {
    const isFirst = wasBlank && beginsMail.test(line.subarray(0, 200).toString('latin1'))
    if (isFirst && lines.length > 0) yield mail()
    // A line of a mail that begins like that was given a sign of quotation.
    if (!isFirst)
      lines.push(/^>+From /.test(line.subarray(0, 60).toString('latin1')) ? line.subarray(1) : line)
    wasBlank = line.length <= 2 && line.toString().trim() === ''
  }
  if (lines.length > 0) yield mail()
}

/** Lines with their ends, as they are. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = []
  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end + 1)])
      begun = []
      from = end + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}
