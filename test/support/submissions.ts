import { crc32, deflateSync } from 'node:zlib'

export function guestPost() {
  return {
    title: 'Why our town needs its river back',
    standfirst: 'Thirty years after the wharves closed, the bank still belongs to nobody.',
    byline: 'Amina Mwangi',
    bio: 'Amina Mwangi teaches geography at the harbour school.',
    body: 'The river was the first road this town had.\n\nA promise\n\nNobody asks for it back because nobody remembers it. That can change.',
    category: 'Society',
    language: 'English',
    links: 'https://example.org/river\nhttps://example.org/maps?year=1994',
    interest: 'I live on the bank.',
    name: 'Amina W. Mwangi',
    email: 'amina@contributor.test',
    website: 'https://amina.example.org',
    consent: 'yes',
  }
}

export function tip() {
  return {
    title: 'Fuel vanishes from the depot',
    body: 'Every Friday night two trucks leave the county depot without papers.',
    place: 'The depot behind the market',
    when: 'Fridays since June',
    evidence: 'I keep the gate and write the numbers down.',
  }
}

export function storyAngle() {
  return {
    title: 'The last typewriter mender',
    body: 'He has mended typewriters at the same corner for fifty years, and is teaching a girl of twelve.',
    email: 'reader@contributor.test',
  }
}

export function textUpdate(
  updateId: number,
  text: string,
  chatId = 7001,
): { update_id: number; message: object } {
  return { update_id: updateId, message: { ...messageFrame(updateId, chatId), text } }
}

export function photoUpdate(updateId: number, fileId: string, caption?: string) {
  const photo = [
    { file_id: `${fileId}-small`, file_unique_id: 's', width: 90, height: 60, file_size: 1000 },
    { file_id: fileId, file_unique_id: 'l', width: 1280, height: 853, file_size: 200_000 },
    { file_id: `${fileId}-middle`, file_unique_id: 'm', width: 320, height: 213, file_size: 20_000 },
  ]
  return {
    update_id: updateId,
    message: { ...messageFrame(updateId, 7001), photo, ...(caption && { caption }) },
  }
}

export function messageFrame(updateId: number, chatId: number) {
  return {
    message_id: updateId * 10,
    date: 1_790_000_000,
    chat: { id: chatId, type: 'private', first_name: 'Juma' },
    from: {
      id: chatId,
      is_bot: false,
      first_name: 'Juma',
      last_name: 'Otieno',
      username: 'jumao',
      language_code: 'sw',
    },
  }
}

/** A real PNG picture of the given size. */
export function png(width = 40, height = 30): Buffer {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x88)])
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A real PDF of one page with one line of text. */
export function onePagePdf(line: string): Buffer {
  const text = `BT /F1 24 Tf 72 720 Td (${line.replace(/[()\\]/g, '\\$&')}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let pdf = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const at = pdf.length
    pdf += `${i + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const start = pdf.length
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  pdf += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`
  pdf += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(pdf, 'latin1')
}
