/** Code pages of Windows that the Encoding Standard knows under another name. */
const labels: Record<number, string> = {
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  866: 'ibm866',
  10000: 'macintosh',
  20127: 'windows-1252',
  20866: 'koi8-r',
  21866: 'koi8-u',
  50220: 'iso-2022-jp',
  51932: 'euc-jp',
  54936: 'gb18030',
  65001: 'utf-8',
}

const latin = 'windows-1252'

/** Text in a code page of Windows; in Western letters where the code page is none that is known. */
export function textIn(bytes: Uint8Array, codePage: number): string {
  return new TextDecoder(labelOf(codePage)).decode(bytes)
}

function labelOf(codePage: number): string {
  if (codePage >= 1250 && codePage <= 1258) return `windows-${codePage}`
  if (codePage >= 28591 && codePage <= 28606) return `iso-8859-${codePage - 28590}`
  return labels[codePage] ?? latin
}
