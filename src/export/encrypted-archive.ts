import type { Readable } from 'node:stream'
import { channelNames, kindNames, type Submission } from '../submissions/model.ts'
import type { TarEntry } from './tar.ts'

/** An encrypted submission as it is stored: armored age files, one behind the other, and files that are age files. */
type EncryptedSubmission = {
  submission: Submission
  texts: { place: 'message' | 'note' | 'summary' | 'file'; id: string; text: string }[]
  files: { id: string; size: number; open: () => Promise<Readable> }[]
}

const folderOf = { message: 'messages', note: 'notes', summary: '', file: 'files' } as const

/**
 * What an encrypted submission is packed as: nothing of it is opened here, and all of it by `sh open.sh KEY` where the
 * key is.
 */
export function entriesOfEncrypted({ submission, texts, files }: EncryptedSubmission): TarEntry[] {
  return [
    { name: 'read-me.txt', text: readMe(submission) },
    { name: 'open.sh', text: openScript },
    ...texts.flatMap(({ place, id, text }) =>
      blocksOf(text).map((block, i) => ({ name: nameOf(place, id, i), text: `${block}\n` })),
    ),
    ...files.map(({ id, size, open }) => ({ name: `files/${id}.age`, size, open })),
  ]
}

function nameOf(place: keyof typeof folderOf, id: string, part: number): string {
  const more = part === 0 ? '' : `-${part + 1}`
  if (place === 'summary') return 'title.json.age'
  return `${folderOf[place]}/${id}${more}.json.age`
}

function blocksOf(stored: string): string[] {
  return stored.match(/-----BEGIN AGE ENCRYPTED FILE-----[\s\S]*?-----END AGE ENCRYPTED FILE-----/g) ?? []
}

function readMe({ reference, kind, channel, createdAt }: Submission): string {
  return `${reference}: ${kindNames[kind]}, by ${channelNames[channel]}, ${new Date(createdAt).toISOString()}

Everything in here is sealed. On a computer that is never online, with the age command and the desk's key in a file:

    sh open.sh desk.key

It puts what it opens beside what is sealed: texts as JSON, in the order of their names; files under their ids, and beside
each, in ID.json, what type it has. The names that the sender gave them stand in the message, under "files".
`
}

const openScript = `#!/bin/sh
# Opens everything beside it with the age command: sh open.sh KEY
set -eu
key=$(realpath "\${1:?give the file with the key}")
cd "$(dirname "$0")"
find . -name '*.age' | while IFS= read -r sealed; do
  age -d -i "$key" -o "\${sealed%.age}" "$sealed" || echo "NOT OPENED: $sealed" >&2
done
`
