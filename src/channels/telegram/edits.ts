import type { RemoteFile, UpdateName } from '../chat/draft.ts'
import { addressOf } from './address.ts'
import type { ChatKeys } from './chat-id-hash.ts'
import type { TelegramMessage } from './update-schema.ts'

/** Stands in a message that tells of an edit, where the edit took the words away. */
export const wordsRemoved = '[The words were removed.]'

/** By what the files of a message are known again when it is edited, whichever words stand beside them. */
export function namesOfFiles(keys: ChatKeys, message: TelegramMessage, files: RemoteFile[]): UpdateName[] {
  const address = addressOf(message)
  return files.map(({ mark }) => ({
    bot: 'telegram-file',
    key: keys.file(address, message.message_id, mark),
  }))
}

/** Those of a message's files that did not come with it before. */
export async function newFiles(
  files: RemoteFile[],
  names: UpdateName[],
  knownFiles: (names: UpdateName[]) => Promise<Set<string>>,
): Promise<RemoteFile[]> {
  const known = await knownFiles(names)
  return files.filter((_, i) => !known.has(names[i]?.key ?? ''))
}
