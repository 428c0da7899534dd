import { isVisible } from '../core/visible-text.ts'

const longest = 120

/**
 * A file's name as it may be shown and offered for download: the last part of any path, on one line, without
 * control, direction or invisible characters, of at most 120 characters with its extension kept.
 * It is only ever a label: on the disk files are named by their ids.
 */
export function tidyFileName(given: string): string {
  const last = given.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  const plain = last
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replace(/["<>|:*?]/g, '_')
    .trim()
  const name = plain.replace(/^[.\s]+/, '')
  if (!isVisible(name)) return 'file'
  return shortened(name)
}

function shortened(name: string): string {
  if (name.length <= longest) return name
  const extension = /\.[a-z\d]{1,8}$/i.exec(name)?.[0] ?? ''
  return (
    name
      .slice(0, longest - extension.length)
      .toWellFormed()
      .trimEnd() + extension
  )
}
